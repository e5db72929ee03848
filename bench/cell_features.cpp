#include "bench/cell_features.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

#include "core/error.hpp"
#include "core/text.hpp"

namespace hwnas::bench {

namespace {

using estimators::FeatureRole;

constexpr int kEdges = 6;
constexpr int kCellOptions = 5;
constexpr int kNodes = 4;
constexpr std::array<int, kEdges> kFrom = {0, 0, 1, 0, 1, 2};
constexpr std::array<int, kEdges> kTo = {1, 2, 2, 3, 3, 3};
constexpr std::array<const char*, kCellOptions> kCellNames = {"none", "skip", "conv1x1", "conv3x3",
                                                              "pool"};
enum CellOption { kNone, kSkip, kConv1, kConv3, kPool };

constexpr int kFbnetLayers = 22;
constexpr int kFbnetOptions = 9;
constexpr std::array<const char*, kFbnetOptions> kFbnetNames = {
    "k3_e1", "k3_e1_g2", "k3_e3", "k3_e6", "k5_e1", "k5_e1_g2", "k5_e3", "k5_e6", "skip"};

std::vector<int> digits_of(const std::string& genotype, int count, int options) {
  const auto is_digit = [&](char c) { return c >= '0' && c < '0' + options; };
  if (std::ssize(genotype) != count || !std::ranges::all_of(genotype, is_digit)) {
    throw invalid_argument("genotype {}: expected {} digits of 0 to {}", in_quotes(genotype), count,
                           options - 1);
  }
  std::vector<int> digits;
  for (const char c : genotype) digits.push_back(c - '0');
  return digits;
}

/// Adds a group of columns to a layout.
void add_group(estimators::FeatureLayout& layout, const char* name, FeatureRole role,
               const std::vector<std::string>& columns) {
  layout.groups.push_back({.name = name,
                           .role = role,
                           .begin = static_cast<int>(layout.names.size()),
                           .size = static_cast<int>(columns.size())});
  for (const std::string& column : columns) {
    layout.names.push_back(fmt::format("{}.{}", name, column));
  }
}

using Digits = std::span<const int>;

/// Which edges a runtime executes under a hypothesis on its rewriting.
using Kept = std::array<bool, kEdges>;

Kept needed_by_output(Digits digits) {
  std::array<bool, kNodes> needed = {false, false, false, true};
  Kept kept = {};
  for (int edge = kEdges - 1; edge >= 0; --edge) {  // edges are sorted by their target
    kept[edge] = digits[edge] != kNone && needed[kTo[edge]];
    if (kept[edge]) needed[kFrom[edge]] = true;
  }
  return kept;
}

bool is_conv(int option) {
  return option == kConv1 || option == kConv3;
}

/// Edges that TOCO keeps although the output does not need them: a dead node that is one
/// convolution's output, and nothing added to it, is folded into that convolution.
Kept kept_by_toco(Digits digits) {
  enum { k01, k02, k12, k13 = 4, k23 };
  Kept kept = needed_by_output(digits);
  const bool node1_dead = !kept[k12] && !kept[k13];
  const bool node2_dead = !kept[k23];
  if (!node1_dead && !node2_dead) return kept;
  if (!node2_dead) {
    kept[k01] = is_conv(digits[k01]);
    return kept;
  }
  const bool adds_02 = digits[k02] != kNone;
  const bool adds_12 = digits[k12] != kNone && !(digits[k12] == kSkip && digits[k01] == kNone);
  // Folded into the convolution, the product with zero of 1→2 is no constant.
  const bool adds_folded = digits[k12] == kNone && node1_dead && is_conv(digits[k01]);
  if (adds_02 + adds_12 + adds_folded != 1) return kept;
  if (adds_02) kept[k02] = is_conv(digits[k02]);
  if (adds_folded) kept[k01] = true;
  if (adds_12 && is_conv(digits[k12])) {
    kept[k12] = true;
    kept[k01] = digits[k01] != kNone;
  }
  if (adds_12 && digits[k12] == kSkip && is_conv(digits[k01])) kept[k01] = true;
  return kept;
}

Kept reached_by_input(Digits digits) {
  std::array<bool, kNodes> reached = {true, false, false, false};
  Kept kept = {};
  for (int edge = 0; edge < kEdges; ++edge) {
    kept[edge] = digits[edge] != kNone && reached[kFrom[edge]];
    if (kept[edge]) reached[kTo[edge]] = true;
  }
  return kept;
}

template <typename Weight>
double longest_path(const Kept& kept, Weight weight_of) {
  std::array<double, kNodes> longest = {};
  for (int edge = 0; edge < kEdges; ++edge) {
    if (!kept[edge]) continue;
    longest[kTo[edge]] = std::max(longest[kTo[edge]], longest[kFrom[edge]] + weight_of(edge));
  }
  return longest[kNodes - 1];
}

double macs_weight(int option) {
  return option == kConv3 ? 9 : option == kConv1 ? 1 : 0;
}

std::array<double, 7> graph_features(Digits digits, const Kept& kept) {
  std::array<int, kNodes> indegree = {};
  std::array<bool, kNodes> in_use = {};
  for (int edge = 0; edge < kEdges; ++edge) {
    if (!kept[edge]) continue;
    ++indegree[kTo[edge]];
    in_use[kFrom[edge]] = in_use[kTo[edge]] = true;
  }
  double additions = 0;
  for (const int count : indegree) additions += std::max(0, count - 1);
  return {additions,
          static_cast<double>(std::ranges::count(in_use, true)),
          longest_path(kept, [&](int e) { return is_conv(digits[e]) ? 1.0 : 0; }),
          longest_path(kept, [&](int e) { return digits[e] == kConv3 ? 1.0 : 0; }),
          longest_path(kept, [](int) { return 1.0; }),
          longest_path(kept, [&](int e) { return macs_weight(digits[e]); }),
          in_use[kNodes - 1] ? 1.0 : 0.0};
}

/// What decides how the kernels of a graph can run side by side or be merged.
std::array<double, 5> branch_features(Digits digits, const Kept& kept) {
  std::array<bool, kNodes> feeds_conv = {};
  std::array<bool, kNodes> feeds_pool = {};
  std::array<double, kNodes> indegree = {};
  for (int edge = 0; edge < kEdges; ++edge) {
    if (!kept[edge]) continue;
    ++indegree[kTo[edge]];
    if (is_conv(digits[edge])) feeds_conv[kFrom[edge]] = true;
    if (digits[edge] == kPool) feeds_pool[kFrom[edge]] = true;
  }
  return {static_cast<double>(std::ranges::count(feeds_conv, true)),
          static_cast<double>(std::ranges::count(feeds_pool, true)), indegree[1], indegree[2],
          indegree[3]};
}

/// Kernels that are left when rectifiers of one node are merged and fused into the addition before
/// them, which is possible where nothing reads the sum itself.
std::array<double, 7> kernel_features(Digits digits, const Kept& kept) {
  std::array<bool, kNodes> rectified = {};
  std::array<bool, kNodes> read_itself = {};
  std::array<double, 7> features = {};
  for (int edge = 0; edge < kEdges; ++edge) {
    if (!kept[edge]) continue;
    features[digits[edge] - 1] += 1;
    (is_conv(digits[edge]) ? rectified : read_itself)[kFrom[edge]] = true;
  }
  for (int node = 0; node < kNodes - 1; ++node) {
    features[4] += node > 0 && (rectified[node] || read_itself[node]);
    features[5] += rectified[node];
    features[6] += rectified[node] && read_itself[node];
  }
  return features;
}

estimators::FeatureLayout cell_layout() {
  estimators::FeatureLayout layout;
  const std::vector<std::string> executed(kCellNames.begin() + 1, kCellNames.end());
  for (const char* name : {"raw", "bwd", "toco", "eff", "fwd"}) {
    add_group(layout, name, FeatureRole::kExecution, executed);
  }
  std::vector<std::string> one_hot;
  for (int edge = 0; edge < kEdges; ++edge) {
    for (const char* option : kCellNames) {
      one_hot.push_back(fmt::format("{}_{}.{}", kFrom[edge], kTo[edge], option));
    }
  }
  add_group(layout, "one_hot", FeatureRole::kEncoding, one_hot);
  add_group(layout, "graph", FeatureRole::kGraph,
            {"additions", "nodes", "path_convs", "path_conv3x3", "path_operators", "path_macs",
             "connected"});
  add_group(layout, "bwd_graph", FeatureRole::kGraph,
            {"additions", "nodes", "path_convs", "path_conv3x3", "path_operators", "path_macs",
             "connected", "conv_inputs", "pool_inputs", "indegree1", "indegree2", "indegree3"});
  add_group(layout, "kernels", FeatureRole::kGraph,
            {"skip", "conv1x1", "conv3x3", "pool", "sums", "rectifiers", "rectifiers_apart"});
  return layout;
}

/// Inverted residuals of one layer option.
struct Block {
  int kernel;
  int expansion;
  int groups;
};
constexpr std::array<Block, kFbnetOptions - 1> kBlocks = {
    {{3, 1, 1}, {3, 1, 2}, {3, 3, 1}, {3, 6, 1}, {5, 1, 1}, {5, 1, 2}, {5, 3, 1}, {5, 6, 1}}};

/// What a layer's option asks of a device.
constexpr std::array<const char*, 6> kWorkNames = {
    "pointwise_macs", "grouped_macs", "depthwise3_macs", "depthwise5_macs", "elements", "weights"};
using Work = std::array<double, kWorkNames.size()>;
enum { kPointwise, kGrouped, kDepthwise3, kDepthwise5, kElements, kWeights };

double macs_of(const Work& work) {
  return work[kPointwise] + work[kGrouped] + work[kDepthwise3] + work[kDepthwise5];
}

/// One convolution of an inverted residual from `in` to `out` channels on maps of `before` and then
/// `after` pixels.
Work work_of(const Block& block, int in, int out, double before, double after) {
  const double hidden = in * block.expansion;
  const double pointwise = (before * in * hidden + after * hidden * out) / block.groups;
  const double depthwise = after * hidden * block.kernel * block.kernel;
  Work work = {};
  work[block.groups == 1 ? kPointwise : kGrouped] = pointwise;
  work[block.kernel == 3 ? kDepthwise3 : kDepthwise5] = depthwise;
  work[kElements] = before * (in + hidden) + after * (hidden + out);
  work[kWeights] = hidden * (in + out) / block.groups + hidden * block.kernel * block.kernel;
  return work;
}

/// Of each layer and option: HW-NAS-Bench's FBNet for 32×32 images (Li et al., ICLR 2021, with its
/// strides for CIFAR). A skip that changes the shape is a 1×1 convolution.
std::array<std::array<Work, kFbnetOptions>, kFbnetLayers> fbnet_work() {
  constexpr std::array<int, 7> kLayers = {1, 4, 4, 4, 4, 4, 1};
  constexpr std::array<int, 7> kChannels = {16, 24, 32, 64, 112, 184, 352};
  constexpr std::array<int, 7> kStrides = {1, 1, 2, 2, 1, 2, 1};
  std::array<std::array<Work, kFbnetOptions>, kFbnetLayers> result = {};
  int in = 16;
  int width = 32;
  int layer = 0;
  for (std::size_t stage = 0; stage < kLayers.size(); ++stage) {
    for (int i = 0; i < kLayers[stage]; ++i, ++layer) {
      const int stride = i == 0 ? kStrides[stage] : 1;
      const int out = kChannels[stage];
      const double before = width * width;
      width /= stride;
      const double after = width * width;
      for (std::size_t option = 0; option < kBlocks.size(); ++option) {
        result[layer][option] = work_of(kBlocks[option], in, out, before, after);
      }
      if (stride != 1 || in != out) {
        Work& skip = result[layer].back();
        skip[kPointwise] = after * in * out;
        skip[kElements] = before * in + after * out;
        skip[kWeights] = in * out;
      }
      in = out;
    }
  }
  return result;
}

}  // namespace

EncodedNetworks encode_nasbench201(const std::vector<std::string>& genotypes) {
  // Every stage has 5 cells and 32² · 16² MACs for a 1×1 convolution on an edge of one.
  constexpr double kMacsOfConv1 = 3 * 5 * 32 * 32 * 16 * 16;
  constexpr int kExecuted = 5 * (kCellOptions - 1);  // columns of kExecution
  EncodedNetworks result;
  result.layout = cell_layout();
  result.features.setZero(std::ssize(genotypes), std::ssize(result.layout.names));
  for (Eigen::Index row = 0; row < result.features.rows(); ++row) {
    const std::vector<int> digits = digits_of(genotypes[row], kEdges, kCellOptions);
    const Kept bwd = needed_by_output(digits);
    const Kept fwd = reached_by_input(digits);
    auto features = result.features.row(row);
    const Kept toco = kept_by_toco(digits);
    double macs = 0;
    Kept eff = {};
    for (int edge = 0; edge < kEdges; ++edge) {
      const int option = digits[edge];
      eff[edge] = bwd[edge] && fwd[edge];
      macs += kMacsOfConv1 * macs_weight(option);
      features[kExecuted + edge * kCellOptions + option] = 1;
      if (option == kNone) continue;
      features[option - 1] += 1;
      features[4 + option - 1] += bwd[edge];
      features[8 + option - 1] += toco[edge];
      features[12 + option - 1] += eff[edge];
      features[16 + option - 1] += fwd[edge];
    }
    const auto graph = graph_features(digits, eff);
    double* column = features.data() + kExecuted + kEdges * kCellOptions;
    column = std::ranges::copy(graph, column).out;
    column = std::ranges::copy(graph_features(digits, bwd), column).out;
    column = std::ranges::copy(branch_features(digits, bwd), column).out;
    std::ranges::copy(kernel_features(digits, bwd), column);
    result.macs.push_back(macs);
    result.connected.push_back(graph.back() == 1);
  }
  return result;
}

EncodedNetworks encode_fbnet(const std::vector<std::string>& genotypes) {
  EncodedNetworks result;
  std::vector<std::string> one_hot;
  for (int layer = 0; layer < kFbnetLayers; ++layer) {
    for (const char* option : kFbnetNames) one_hot.push_back(fmt::format("{}.{}", layer, option));
  }
  add_group(result.layout, "one_hot", FeatureRole::kEncoding, one_hot);
  add_group(result.layout, "counts", FeatureRole::kExecution,
            {kFbnetNames.begin(), kFbnetNames.end()});
  add_group(result.layout, "work", FeatureRole::kExecution, {kWorkNames.begin(), kWorkNames.end()});
  result.features.setZero(std::ssize(genotypes), std::ssize(result.layout.names));
  constexpr int kCounts = kFbnetLayers * kFbnetOptions;
  const auto work_table = fbnet_work();
  for (Eigen::Index row = 0; row < result.features.rows(); ++row) {
    const std::vector<int> digits = digits_of(genotypes[row], kFbnetLayers, kFbnetOptions);
    result.macs.push_back(0);
    result.connected.push_back(true);
    for (int layer = 0; layer < kFbnetLayers; ++layer) {
      const int option = digits[layer];
      const Work& work = work_table[layer][option];
      result.features(row, layer * kFbnetOptions + option) = 1;
      result.features(row, kCounts + option) += 1;
      for (std::size_t i = 0; i < work.size(); ++i) {
        result.features(row, kCounts + kFbnetOptions + static_cast<Eigen::Index>(i)) += work[i];
      }
      result.macs.back() += macs_of(work);
    }
  }
  return result;
}

EncodedNetworks encode(std::string_view space, const std::vector<std::string>& genotypes) {
  if (space == "nasbench201") return encode_nasbench201(genotypes);
  if (space == "fbnet") return encode_fbnet(genotypes);
  throw error(ErrorCode::kNotFound, "no space '{}'; there are nasbench201 and fbnet", space);
}

}  // namespace hwnas::bench
