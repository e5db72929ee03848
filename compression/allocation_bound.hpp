#pragma once

#include <optional>
#include <vector>

#include "compression/allocation_elimination.hpp"

namespace hwnas::compression {

/// The best choice known so far.
struct Incumbent {
  std::vector<int> choice;  ///< in the model's numbering
  double objective = 0;
};

/// Weights of the Lagrangian: 1 for the objective, then the multipliers.
struct LagrangianBound {
  std::vector<double> weights;
  double value = 0;  ///< no choice within the limits has a lower objective
};

/// Maximises the Lagrangian bound over multipliers of at least 0. Choices within the limits that it
/// meets, or makes by small changes, replace a worse `incumbent`.
LagrangianBound maximise_bound(const AllocationModel& model,
                               const AllocationElimination& elimination,
                               std::optional<Incumbent>& incumbent);

/// Brings `choice` within the limits by the changes of one group that cost least for what they
/// repair, then improves it by changes of one group as long as there are any. The choice may end
/// outside the limits.
void improve(const AllocationModel& model, std::vector<int>& choice);

}  // namespace hwnas::compression
