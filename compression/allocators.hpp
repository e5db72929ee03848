#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "compression/allocation.hpp"
#include "compression/haq.hpp"

namespace hwnas::compression {

/// What allocators may use beside the problem; each says what.
struct AllocatorInputs {
  std::uint64_t seed = 0;  ///< haq
  SolverBudget budget;     ///< exact, hawq_v3
  /// hawq_v3: its objective by group and option, of sensitivity "hessian"; empty: the problem's.
  std::vector<std::vector<double>> hessian;
  HaqInputs haq;
};

struct AllocatorInfo {
  std::string_view name;
  std::string_view summary;
  Allocation (*allocate)(const AllocationProblem& problem, const AllocatorInputs& inputs);
};

/// All ways to choose. Every one keeps the limits or says that it found no choice; the value is
/// always that of the problem's objective, and lower_bound holds.
/// - exact: solve();
/// - greedy: the least objective, then one option at a time with the least loss for what it saves,
///   as Chen, Wang and Cheng (ICCV 2021, arXiv 2110.06554) do; then improved one option at a time;
/// - hawq_v3: see hawq.hpp;
/// - haq: see haq.hpp.
std::span<const AllocatorInfo> allocators();
/// Throws NotFound listing the names there are.
const AllocatorInfo& allocator(std::string_view name);

}  // namespace hwnas::compression
