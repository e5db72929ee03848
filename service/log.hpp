#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>

namespace hwnas::service {

/// One line of JSON on standard error: {"time": …, "event": "job_started", …fields}. Thread-safe.
void log_event(std::string_view event, const nlohmann::json& fields);

}  // namespace hwnas::service
