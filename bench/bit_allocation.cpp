// Published bit-allocation problems, solved exactly. One figure as the last line:
//   bit_allocation --figure hawq       layer choices of HAWQ-V3 at half of the range, of 213
//   bit_allocation --figure haq        bits within the cycles of HAQ's policy, which has 606
//   bit_allocation --figure haq_ms     time for that, with its proof
//   bit_allocation --figure haq_casts  gap with a cost for every change of activation bits on the
//   way bit_allocation --figure haq_agent  bits that HAQ's agent finds in 600 episodes

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <string_view>
#include <vector>

#include "compression/allocators.hpp"
#include "core/error.hpp"
#include "tests/compression/published_allocation.hpp"

namespace hwnas::bench {
namespace {

using compression::Allocation;
using compression::AllocationProblem;
using compression::published::HaqObjective;

/// Of this process, so that other programs on the machine do not count.
double cpu_ms() {
  return 1e3 * static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

AllocationProblem haq_table(HaqObjective objective) {
  return compression::published::haq_problem(objective).problem;
}

void print_hawq() {
  int equal = 0;
  int layers = 0;
  for (const auto& problem : compression::published::hawq_problems()) {
    const Allocation result = compression::solve(problem.problem);
    const std::vector<int> bits = compression::published::hawq_bits(problem, result);
    int same = 0;
    for (std::size_t i = 0; i < bits.size(); ++i) same += bits[i] == problem.bits[i];
    same -= problem.published_differs;
    fmt::print("{} {}: {} of {} layers as published, objective {:.9f}, gap {}, {} nodes\n",
               problem.name, problem.fraction, same, bits.size(), result.value.objective,
               result.gap(), result.nodes);
    if (problem.fraction != 0.5) continue;
    equal += same;
    layers += static_cast<int>(bits.size());
  }
  fmt::print("{} of {}\n", equal, layers);
}

void print_haq() {
  for (const HaqObjective objective : {HaqObjective::kNoise, HaqObjective::kTotalBits}) {
    const auto [problem, policy] = compression::published::haq_problem(objective);
    const Allocation result = compression::solve(problem);
    const Allocation greedy = compression::allocator("greedy").allocate(problem, {});
    fmt::print(
        "HAQ's policy {:.9g}, greedy {:.9g}, exact {:.9g}; gap {}, bound {:.9g} before branching, "
        "{} nodes, {} of {} cycles\n",
        compression::evaluate(problem, policy).objective, greedy.value.objective,
        result.value.objective, result.gap(), result.root_bound, result.nodes,
        result.value.costs[0], problem.limits[0].limit);
    if (objective == HaqObjective::kTotalBits) fmt::print("{} bits\n", -result.value.objective);
  }
}

/// Median of 51 solutions of the problem with the larger time.
void print_haq_ms() {
  double worst = 0;
  for (const HaqObjective objective : {HaqObjective::kTotalBits, HaqObjective::kNoise}) {
    const AllocationProblem problem = haq_table(objective);
    std::vector<double> times;
    for (int i = 0; i < 51; ++i) {
      const double start = cpu_ms();
      const Allocation result = compression::solve(problem);
      times.push_back(cpu_ms() - start);
      if (!result.optimal) throw error(ErrorCode::kInternal, "not solved: gap {}", result.gap());
    }
    std::ranges::sort(times);
    fmt::print("{}: median {:.2f} ms, slowest {:.2f} ms\n",
               objective == HaqObjective::kNoise ? "noise" : "total bits", times[25], times[50]);
    worst = std::max(worst, times[25]);
  }
  fmt::print("{:.2f} ms\n", worst);
}

/// A thousandth of the budget for each change of activation bits from one layer to the next.
void print_haq_casts() {
  AllocationProblem problem = haq_table(HaqObjective::kNoise);
  for (int to = 1; to < static_cast<int>(problem.groups.size()); ++to) {
    compression::AllocationEdge& edge = problem.edges.emplace_back();
    edge.from = to - 1;
    edge.to = to;
    edge.costs.emplace_back();
    for (const auto& a : problem.groups[to - 1].options) {
      for (const auto& b : problem.groups[to].options) {
        const bool casts = a.activation_bits != b.activation_bits;
        edge.costs[0].push_back(casts ? 1e-3 * problem.limits[0].limit : 0);
      }
    }
  }
  const Allocation result = compression::solve(problem, {.max_seconds = 60});
  fmt::print("noise {:.9g}, bound {:.9g} before branching, {} nodes, {:.2f} s\n",
             result.value.objective, result.root_bound, result.nodes, result.seconds);
  fmt::print("{:.4f} %\n", 100 * result.gap());
}

void print_haq_agent() {
  const AllocationProblem problem = haq_table(HaqObjective::kTotalBits);
  const Allocation result = compression::allocator("haq").allocate(problem, {});
  fmt::print("{} episodes, {:.0f} s\n", result.nodes, result.seconds);
  fmt::print("{} bits\n", -result.value.objective);
}

struct Figure {
  std::string_view name;
  void (*print)();
};
constexpr Figure kFigures[] = {{"hawq", print_hawq},
                               {"haq", print_haq},
                               {"haq_ms", print_haq_ms},
                               {"haq_casts", print_haq_casts},
                               {"haq_agent", print_haq_agent}};

int print_figure(std::string_view name) {
  if (!compression::published::are_there()) {
    fmt::print("skipped: set HWNAS_DATA to the folder of quant\n");
    return 0;
  }
  std::vector<std::string_view> names;
  for (const Figure& figure : kFigures) {
    names.push_back(figure.name);
    if (figure.name != name) continue;
    figure.print();
    return 0;
  }
  fmt::print(stderr, "bit_allocation: no figure '{}'; there are {}\n", name,
             fmt::join(names, ", "));
  return 2;
}

}  // namespace
}  // namespace hwnas::bench

int main(int argc, char** argv) {
  try {
    if (argc == 3 && std::string_view(argv[1]) == "--figure") {
      return hwnas::bench::print_figure(argv[2]);
    }
    fmt::print(stderr, "usage: bit_allocation --figure NAME\n");
    return 2;
  } catch (const hwnas::Error& e) {
    fmt::print(stderr, "bit_allocation: {}\n", e.what());
    return 1;
  }
}
