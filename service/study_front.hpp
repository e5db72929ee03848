#pragma once

#include <vector>

#include "service/study_reader.hpp"

namespace hwnas::service {

/// The SUCCEEDED trials that keep the study's limits and that no other of these dominates in its
/// objectives (see StudyPlan), in the order of their ids; all of those that are equal. Throws
/// NotFound.
std::vector<vizier::Trial> optimal_trials(const StudyReader& reader, const StudyName& name);

}  // namespace hwnas::service
