#pragma once

#include <cstdint>
#include <optional>

#include "compression/allocation_branching.hpp"

namespace hwnas::compression {

struct BranchResult {
  bool complete = false;  ///< the incumbent is optimal, or there is no choice within the limits
  double open_bound = 0;  ///< the least bound of what was not searched; infinite if complete
  std::int64_t nodes = 0;
};

/// Depth-first branch and bound at fixed multipliers: options in the order of their reduced costs,
/// cut off where the Lagrangian bound reaches the incumbent or where a limit is out of reach for
/// the groups that are left. Better choices replace the incumbent.
BranchResult search_depth_first(const AllocationModel& model,
                                const AllocationElimination& elimination,
                                const LagrangianBound& bound, const SolverBudget& budget,
                                std::optional<Incumbent>& incumbent);

/// The same breadth-first, group by group: of partial choices that later groups cannot tell apart,
/// those that another one equals or beats in objective and every cost are dropped (dynamic
/// programming with dominance; decisive where neighbours interact). At most `width` of them are
/// kept, those with the least bounds; complete if that never mattered.
BranchResult search_by_layers(const AllocationModel& model,
                              const AllocationElimination& elimination,
                              const LagrangianBound& bound, std::size_t width,
                              std::optional<Incumbent>& incumbent);

/// Options whose reduced cost alone exceeds the gap can be in no better choice: the model without
/// them, or none if all options stay.
std::optional<AllocationModel> fix_by_reduced_cost(const AllocationModel& model,
                                                   const AllocationElimination& elimination,
                                                   const LagrangianBound& bound,
                                                   std::optional<Incumbent>& incumbent);

}  // namespace hwnas::compression
