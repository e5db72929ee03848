#pragma once

#include <string>

#include "engine/database.hpp"

namespace hwnas::service {

/// Throws Refusal (FailedPrecondition), with the job's name, if a job of the tenant that is not
/// finished names the data set.
void require_not_needed(engine::Database& database, const std::string& tenant,
                        const std::string& dataset);

}  // namespace hwnas::service
