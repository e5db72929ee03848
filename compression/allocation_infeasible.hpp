#pragma once

#include <vector>

#include "compression/allocation_model.hpp"

namespace hwnas::compression {

/// The limits that are out of reach even without the others; `model` is the problem's. Exact if the
/// problem's edges can be eliminated (see AllocationElimination), else of a lower bound.
std::vector<ReachableCost> out_of_reach_alone(const AllocationProblem& problem,
                                              const AllocationModel& model);

/// Every limit, where none is out of reach alone: what each cost must be at least if the others are
/// kept, found by solving for it within a tenth of the budget.
std::vector<ReachableCost> reachable_jointly(const AllocationProblem& problem,
                                             const AllocationModel& model,
                                             const SolverBudget& budget);

/// One line for the person who set the limits.
std::string explain(const AllocationProblem& problem, const std::vector<ReachableCost>& reachable);

}  // namespace hwnas::compression
