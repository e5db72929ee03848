#pragma once

#include "compression/allocation_elimination.hpp"

namespace hwnas::compression {

/// The least objective if there were no limits: a bound that costs nothing. The problem is
/// verified.
inline double unlimited_bound(const AllocationProblem& problem) {
  const AllocationModel model = make_model(problem);
  std::vector<double> weights(model.rows());
  weights.front() = 1;
  return AllocationElimination(model).minimise(weights).minimum;
}

}  // namespace hwnas::compression
