#include "estimators/network_features.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>

#include "estimators/deployment.hpp"
#include "estimators/kernel_features.hpp"

namespace hwnas::estimators {

namespace {

struct Hypothesis {
  std::string_view name;
  bool removes_dead = false;
  bool folds_constants = false;
};
constexpr std::array<Hypothesis, 4> kHypotheses = {
    {{"raw", false, false}, {"bwd", true, false}, {"fwd", false, true}, {"eff", true, true}}};

constexpr int kWithMacs = 4;  // the first kinds
constexpr std::array kLanes = {8, 16, 32};
constexpr int kCounts = 0, kMacs = kCounts + kKernelKinds, kBytes = kMacs + kWithMacs,
              kOutputs = kBytes + kKernelKinds, kPadding = kOutputs + kKernelKinds,
              kRoofline = kPadding + static_cast<int>(kLanes.size()),
              kExecutionColumns = kRoofline + 1;

enum GraphColumn {
  kKernels,
  kAdditions,
  kLongestPath,
  kLongestInConvolutions,
  kLongestInMacs,
  kWidth,
  kConnected,
  kGraphColumns
};
constexpr std::array<std::string_view, kGraphColumns> kGraphNames = {
    "kernels",          "additions", "longest_path", "longest_in_convolutions",
    "longest_in_mmacs", "width",     "connected"};

std::vector<std::string> execution_names() {
  std::vector<std::string> names;
  const auto of_kinds = [&](int kinds, std::string_view what) {
    for (int kind = 0; kind < kinds; ++kind) {
      names.push_back(fmt::format("{}.{}", to_string(static_cast<KernelKind>(kind)), what));
    }
  };
  of_kinds(kKernelKinds, "count");
  of_kinds(kWithMacs, "mmacs");
  of_kinds(kKernelKinds, "kbytes");
  of_kinds(kKernelKinds, "koutputs");
  for (const int lanes : kLanes) names.push_back(fmt::format("padding_{}", lanes));
  names.emplace_back("roofline_ms");
  return names;
}

FeatureLayout make_layout() {
  FeatureLayout layout;
  const auto add_group = [&](std::string_view group, FeatureRole role, const auto& names) {
    layout.groups.push_back({std::string(group), role, static_cast<int>(layout.names.size()),
                             static_cast<int>(names.size())});
    for (const auto& name : names) layout.names.push_back(fmt::format("{}.{}", group, name));
  };
  for (const Hypothesis& hypothesis : kHypotheses) {
    add_group(hypothesis.name, FeatureRole::kExecution, execution_names());
  }
  add_group("graph", FeatureRole::kGraph, kGraphNames);
  return layout;
}

double millions(std::int64_t count) {
  return static_cast<double>(count) / 1e6;
}

double thousands(std::int64_t count) {
  return static_cast<double>(count) / 1e3;
}

/// Fills the groups of one row.
class Row {
 public:
  Row(const ir::Network& network, const std::optional<Roofline>& roofline)
      : network_(network), shapes_(ir::infer_shapes(network)), roofline_(roofline) {}

  void add_execution(const Execution& execution, std::span<double> columns) const {
    const std::vector<Kernel> work = kernels(network_, shapes_, execution);
    for (std::size_t i = 0; i < work.size(); ++i) {
      if (work[i].kind != KernelClass::kNone) add_kernel(static_cast<int>(i), work[i], columns);
    }
  }

  void add_graph(const Execution& execution, std::span<double> columns) const {
    struct Path {
      int kernels = 0, convolutions = 0;
      std::int64_t macs = 0;
      bool from_input = false;
    };
    std::vector<Path> paths(network_.layers.size());
    std::vector<int> at_depth(network_.layers.size() + 1);
    for (std::size_t i = 0; i < paths.size(); ++i) {
      const int index = static_cast<int>(i);
      Path& path = paths[i];
      const std::span<const int> reads = execution.reads(index);
      for (const int input : reads) {
        const Path before = input == ir::kNetworkInput ? Path{.from_input = true} : paths[input];
        path.kernels = std::max(path.kernels, before.kernels);
        path.convolutions = std::max(path.convolutions, before.convolutions);
        path.macs = std::max(path.macs, before.macs);
        path.from_input = path.from_input || before.from_input;
      }
      // An addition of one term hands on its path, but is none.
      if (execution.kernel[i] == kNotExecuted) continue;
      const ir::Layer& layer = network_.layers[i];
      if (std::holds_alternative<ir::Add>(layer.op)) {
        columns[kAdditions] += std::max<double>(0, static_cast<double>(reads.size()) - 1);
      }
      if (!execution.has_kernel(index)) continue;
      ++columns[kKernels];
      ++at_depth[++path.kernels];
      path.convolutions += std::holds_alternative<ir::Conv2d>(layer.op) ? 1 : 0;
      path.macs += ir::macs(layer, ir::input_shape(network_, shapes_, index), shapes_[i]);
    }
    const auto longest = [&](auto member) {
      return static_cast<double>(std::ranges::max(paths, {}, member).*member);
    };
    columns[kLongestPath] = longest(&Path::kernels);
    columns[kLongestInConvolutions] = longest(&Path::convolutions);
    columns[kLongestInMacs] = longest(&Path::macs) / 1e6;
    columns[kWidth] = std::ranges::max(at_depth);
    columns[kConnected] = paths.back().from_input ? 1 : 0;
  }

 private:
  void add_kernel(int layer, const Kernel& work, std::span<double> columns) const {
    const ir::Shape in = ir::input_shape(network_, shapes_, layer);
    const auto kind = static_cast<int>(kernel_kind(network_.layers[layer].op, in));
    columns[kCounts + kind] += 1;
    columns[kBytes + kind] += thousands(work.bytes);
    columns[kOutputs + kind] += thousands(work.outputs);
    double milliseconds = 0;
    if (roofline_) milliseconds = thousands(work.bytes) * 1e6 / roofline_->bytes_per_second;
    if (kind < kWithMacs) {
      columns[kMacs + kind] += millions(work.macs);
      if (roofline_) {
        milliseconds =
            std::max(milliseconds, millions(work.macs) * 1e9 / roofline_->macs_per_second);
      }
      const int channels = shapes_[layer].channels;
      for (std::size_t i = 0; i < kLanes.size(); ++i) {
        const int missing = (kLanes[i] - channels % kLanes[i]) % kLanes[i];
        columns[kPadding + static_cast<int>(i)] += millions(work.macs) * missing / channels;
      }
    }
    columns[kRoofline] += milliseconds;
  }

  const ir::Network& network_;
  std::vector<ir::Shape> shapes_;
  const std::optional<Roofline>& roofline_;
};

FusionRules under(const Hypothesis& hypothesis, const FusionRules& rules) {
  const FusionRules base =
      rules.without(FusionRule::kDeadOperators).without(FusionRule::kConstants);
  const FusionRules cleaned =
      hypothesis.removes_dead ? base.with(FusionRule::kDeadOperators) : base;
  return hypothesis.folds_constants ? cleaned.with(FusionRule::kConstants) : cleaned;
}

}  // namespace

const FeatureLayout& network_feature_layout() {
  static const FeatureLayout kLayout = make_layout();
  return kLayout;
}

void network_features(const ir::Network& network, const FusionRules& rules,
                      const std::optional<Roofline>& roofline, std::span<double> row) {
  assert(row.size() == network_feature_layout().names.size());
  std::ranges::fill(row, 0);
  const Row features(network, roofline);
  std::array<Execution, kHypotheses.size()> executions;
  for (std::size_t i = 0; i < kHypotheses.size(); ++i) {
    executions[i] = execution(network, under(kHypotheses[i], rules));
    const std::span<double> group = row.subspan(i * kExecutionColumns, kExecutionColumns);
    // Most networks have neither dead nor constant operators: their groups are alike.
    if (i > 0 && executions[i] == executions[0]) {
      std::ranges::copy(row.first(kExecutionColumns), group.begin());
    } else {
      features.add_execution(executions[i], group);
    }
  }
  features.add_graph(executions.back(), row.last(kGraphColumns));
}

FeatureMatrix network_features(std::span<const ir::Network> networks, const FusionRules& rules,
                               const std::optional<Roofline>& roofline) {
  FeatureMatrix matrix(static_cast<Eigen::Index>(networks.size()),
                       static_cast<Eigen::Index>(network_feature_layout().names.size()));
  for (std::size_t i = 0; i < networks.size(); ++i) {
    double* const begin = matrix.row(static_cast<Eigen::Index>(i)).data();
    network_features(networks[i], rules, roofline,
                     {begin, static_cast<std::size_t>(matrix.cols())});
  }
  return matrix;
}

}  // namespace hwnas::estimators
