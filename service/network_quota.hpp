#pragma once

#include <cstdint>
#include <memory>

#include "engine/experiment.hpp"

namespace hwnas::service {

/// What the largest network of a job's space may need. Refused by arithmetic alone, before anything
/// of that size is allocated.
struct NetworkQuota {
  std::int64_t parameters = 100'000'000;
  std::int64_t macs = 100'000'000'000;                    ///< of one sample
  std::int64_t activation_bytes = std::int64_t{1} << 30;  ///< of one sample, all layers, float32:
                                                          ///< what training keeps
};

/// The space of an experiment. Where the data's shape is only known once they are read, a small
/// sample of the family's kind stands for them; its decisions do not depend on it. Throws
/// InvalidArgument with place.
std::unique_ptr<spaces::SearchSpace> space_of(const engine::Experiment& experiment);

/// Throws InvalidArgument at the place of the experiment's `space`, with the need and the quota.
/// Where the data's shape is not known (see space_of), only parameters are held against the quota:
/// they depend on it little.
void require_within(const NetworkQuota& quota, const engine::Experiment& experiment);

}  // namespace hwnas::service
