#pragma once

#include <cstdint>
#include <optional>

#include "compression/allocation_bound.hpp"

namespace hwnas::compression {

struct BranchResult {
  bool complete = false;  ///< the incumbent is optimal, or there is no choice within the limits
  double open_bound = 0;  ///< unless complete: the least bound of what was not searched
  std::int64_t nodes = 0;
};

/// Depth-first branch and bound at fixed multipliers: options in the order of their reduced costs,
/// cut off where the Lagrangian bound reaches the incumbent or where a limit is out of reach for
/// the groups that are left. Better choices replace the incumbent.
BranchResult branch_and_bound(const AllocationModel& model,
                              const AllocationElimination& elimination,
                              const LagrangianBound& bound, const SolverBudget& budget,
                              std::optional<Incumbent>& incumbent);

/// Options whose reduced cost alone exceeds the gap can be in no better choice: the model without
/// them, or none if all options stay.
std::optional<AllocationModel> fix_by_reduced_cost(const AllocationModel& model,
                                                   const AllocationElimination& elimination,
                                                   const LagrangianBound& bound,
                                                   std::optional<Incumbent>& incumbent);

/// Choices that differ by less are one to the solver: rounding of the Lagrangian.
double objective_tolerance(const AllocationModel& model, const LagrangianBound& bound);

}  // namespace hwnas::compression
