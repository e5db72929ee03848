#pragma once

#include <cstdint>

#include "core/rng.hpp"

namespace hwnas::engine {

/// What a seed is for. Numbers are part of what a seed reproduces: never renumber.
enum class SeedStream : std::uint64_t {
  kStrategy = 1,
  kValidationSplit = 2,
  kTrainingSubset = 3,
  kTrial = 4,     ///< index: trial id
  kFinalist = 5,  ///< index: trial id
  kCalibration = 6,
  kFineTune = 7,
  kSupernet = 8,
  kRankCheck = 9,        ///< index: position in the check
  kDifferentiable = 10,  ///< index: step
};

inline std::uint64_t stream_seed(std::uint64_t experiment_seed, SeedStream stream,
                                 std::uint64_t index = 0) {
  return derive_seed(experiment_seed, {static_cast<std::uint64_t>(stream), index});
}

}  // namespace hwnas::engine
