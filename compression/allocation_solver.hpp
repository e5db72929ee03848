#pragma once

#include "compression/allocation_model.hpp"

namespace hwnas::compression {

/// solve() on a model whose limits are each within reach: Lagrangian bound, incumbent and fixing in
/// turn, then branching over what is left. Fills everything but value, seconds and what explains an
/// infeasible problem. If there is no choice within the limits, lower_bound is still one for
/// choices that keep them (infinite if the search was complete).
Allocation solve_model(AllocationModel model, const SolverBudget& budget);

}  // namespace hwnas::compression
