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
#include "compression/precision_space.hpp"
#include "core/error.hpp"
#include "estimators/cost_model.hpp"
#include "estimators/deployment.hpp"
#include "tests/compression/published_allocation.hpp"
#include "tests/estimators/device_files.hpp"
#include "tests/estimators/networks.hpp"

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

/// 64 units a layer where HAQ has 300: a minute instead of half an hour.
void print_haq_agent() {
  const AllocationProblem problem = haq_table(HaqObjective::kTotalBits);
  compression::AllocatorInputs inputs;
  inputs.haq.agent.hidden = 64;
  const Allocation result = compression::allocator("haq").allocate(problem, inputs);
  fmt::print("{} episodes, {:.0f} s\n", result.nodes, result.seconds);
  fmt::print("{} bits\n", -result.value.objective);
}

/// Residual network for 32x32 pixels: stages of two-convolution blocks.
ir::Network resnet(const std::vector<int>& widths, int blocks) {
  estimators::testing::Builder net({3, 32, 32});
  int x = net.conv(ir::kNetworkInput, widths.front(), 3, 1);
  for (const int width : widths) {
    for (int block = 0; block < blocks; ++block) {
      const int stride = width != widths.front() && block == 0 ? 2 : 1;
      net.conv(x, width, 3, stride);
      const int body = net.conv(net.last(), width, 3, 1, false);
      const int shortcut = stride == 1 ? x : net.conv(x, width, 1, stride, false);
      net.add(ir::Add{}, {body, shortcut});
      x = net.add(ir::Activation{});
    }
  }
  return net.classifier(10);
}

/// Share of the latency with 8-bit weights that is saved by 4 bits.
double print_saving(std::string_view name, const ir::Network& network) {
  const estimators::DeviceProfile device = estimators::testing::device("gap9");
  const auto latency = estimators::make_cost_model("latency_ms", device, device.runtimes.front());
  const compression::PrecisionSpace space = compression::precision_space(
      estimators::deploy(network).network,
      {{ir::WeightFormat::kInt8, 8}, {ir::WeightFormat::kInt4, 8}, {ir::WeightFormat::kInt2, 8}});
  std::vector<double> ms;
  for (int option = 0; option < 3; ++option) {
    const std::vector<int> uniform(space.groups.size(), option);
    ms.push_back(latency->predict(compression::with_precisions(space, uniform)).value);
  }
  fmt::print("{}: int8 {:.3f} ms, int4 {:.1f} % less, int2 {:.1f} % less\n", name, ms[0],
             100 * (1 - ms[1] / ms[0]), 100 * (1 - ms[2] / ms[0]));
  return 1 - ms[1] / ms[0];
}

void print_four_bits() {
  print_saving("DS-CNN", estimators::testing::ds_cnn());
  print_saving("ResNet-8", estimators::testing::resnet8());
  print_saving("ResNet-8, 64 to 256 channels", resnet({64, 128, 256}, 1));
  fmt::print("{:.1f} %\n", 100 * print_saving("ResNet-20", resnet({16, 32, 64}, 3)));
}

struct Figure {
  std::string_view name;
  void (*print)();
  bool needs_data;
};
constexpr Figure kFigures[] = {
    {"hawq", print_hawq, true},           {"haq", print_haq, true},
    {"haq_ms", print_haq_ms, true},       {"haq_casts", print_haq_casts, true},
    {"haq_agent", print_haq_agent, true}, {"four_bits", print_four_bits, false}};

int print_figure(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Figure& figure : kFigures) {
    names.push_back(figure.name);
    if (figure.name != name) continue;
    if (figure.needs_data && !compression::published::are_there()) {
      fmt::print("skipped: set HWNAS_DATA to the folder of quant\n");
    } else {
      figure.print();
    }
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
