#include "compression/allocators.hpp"

#include <array>
#include <chrono>
#include <string>

#include "compression/allocation_bound.hpp"
#include "compression/hawq.hpp"
#include "compression/unlimited_bound.hpp"
#include "core/error.hpp"
#include "core/text.hpp"

namespace hwnas::compression {

namespace {

Allocation exact(const AllocationProblem& problem, const AllocatorInputs& inputs) {
  return solve(problem, inputs.budget);
}

Allocation greedy(const AllocationProblem& problem, const AllocatorInputs&) {
  verify(problem);
  const auto start = std::chrono::steady_clock::now();
  const AllocationModel model = make_model(problem);
  const AllocationElimination elimination(model);
  std::vector<double> weights(model.rows());
  weights.front() = 1;
  std::vector<int> choice = elimination.argmin(elimination.minimise(weights));
  improve(model, choice);
  Allocation result;
  result.feasible = model.keeps_limits(choice);
  if (result.feasible) {
    result.choice = problem_choice(model, choice);
    result.value = evaluate(problem, result.choice);
  } else {
    result.explanation =
        "greedy steps end outside the limits; the exact allocator says what can be reached";
  }
  result.lower_bound = result.root_bound = unlimited_bound(problem);
  result.multipliers.assign(problem.limits.size(), 0);
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

Allocation hawq_v3(const AllocationProblem& problem, const AllocatorInputs& inputs) {
  return allocate_hawq_v3(problem, inputs.hessian, inputs.budget);
}

Allocation haq(const AllocationProblem& problem, const AllocatorInputs& inputs) {
  return allocate_haq(problem, inputs.haq, inputs.seed);
}

constexpr std::array<AllocatorInfo, 4> kAllocators = {{
    {"exact", "branch and bound with a Lagrangian certificate", exact},
    {"greedy", "least loss for what it saves, one option at a time", greedy},
    {"hawq_v3", "4 or 8 bits by Hessian-weighted rounding error (HAWQ-V3)", hawq_v3},
    {"haq", "reinforcement learning with the device's costs in the loop (HAQ)", haq},
}};

}  // namespace

std::span<const AllocatorInfo> allocators() {
  return kAllocators;
}

const AllocatorInfo& allocator(std::string_view name) {
  std::vector<std::string> names;
  for (const AllocatorInfo& info : kAllocators) {
    if (info.name == name) return info;
    names.emplace_back(info.name);
  }
  throw error(ErrorCode::kNotFound, "no allocator '{}'; there are: {}{}", name,
              fmt::join(names, ", "), did_you_mean(name, names));
}

}  // namespace hwnas::compression
