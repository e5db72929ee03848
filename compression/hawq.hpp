#pragma once

#include <vector>

#include "compression/allocation.hpp"

namespace hwnas::compression {

/// HAWQ-V3 (Yao et al., ICML 2021, arXiv 2011.10680, section 3.4): every group takes 4 or 8 bits,
/// for weights and activations alike, so that the summed Hessian-weighted rounding error is least
/// within limits on size, bit operations or latency; an integer linear program, solved exactly.
///
/// Options other than W4A4 and W8A8 are left aside; in a group that has no W4A4, those other than 4
/// or 8 weight bits; in a group that has neither, none. `hessian` is the objective by group and
/// option; empty: the problem's. Deviation: edges count in the costs, so that limits are kept, but
/// not in the objective. The result's value and lower_bound are of the problem's objective and
/// options. Throws what solve throws, and InvalidArgument if `hessian` has the wrong size.
Allocation allocate_hawq_v3(const AllocationProblem& problem,
                            const std::vector<std::vector<double>>& hessian,
                            const SolverBudget& budget = {});

}  // namespace hwnas::compression
