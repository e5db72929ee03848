#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>

#include "spaces/builder.hpp"
#include "spaces/families.hpp"

namespace hwnas::spaces {

namespace {

enum CellOp { kNone, kSkip, kConv1x1, kConv3x3, kAveragePool, kCellOps };

struct Edge {
  int from = 0;
  int to = 0;
};
constexpr std::array<Edge, 6> kEdges = {{{0, 1}, {0, 2}, {1, 2}, {0, 3}, {1, 3}, {2, 3}}};
constexpr int kNodes = 4;
constexpr int kCells = 15625;  // kCellOps to the power of the number of edges

using Cell = std::array<std::uint16_t, kEdges.size()>;

/// Cells in lexicographic order of their digits, first edge most significant.
Cell cell_at(int index) {
  Cell cell;
  for (std::size_t edge = cell.size(); edge-- > 0; index /= kCellOps) cell[edge] = index % kCellOps;
  return cell;
}

int index_of(const Genotype& genotype) {
  int index = 0;
  for (const std::uint16_t digit : genotype.choices) index = index * kCellOps + digit;
  return index;
}

/// What the cell computes, as text: equal texts <=> cells that NAS-Bench-201 counts as one. A node
/// is the sorted sum of its terms, zero ('#') included; skip hands on its source's text. The
/// letters order the operations as their published names do, which the sorting depends on.
std::string expression(const Cell& cell) {
  constexpr char kLetters[kCellOps] = {'#', 's', 'b', 'c', 'a'};
  std::array<std::string, kNodes> nodes = {"0"};
  for (int node = 1; node < kNodes; ++node) {
    std::vector<std::string> terms;
    for (std::size_t i = 0; i < kEdges.size(); ++i) {
      if (kEdges[i].to != node) continue;
      const std::string& source = nodes[kEdges[i].from];
      if (cell[i] == kNone || source == "#") {
        terms.emplace_back("#");
      } else {
        terms.push_back(cell[i] == kSkip ? source
                                         : fmt::format("({})@{}", source, kLetters[cell[i]]));
      }
    }
    std::ranges::sort(terms);
    nodes[node] = fmt::format("{}", fmt::join(terms, "+"));
  }
  return nodes.back();
}

/// For every cell the index of the first cell with the same expression.
std::vector<std::uint16_t> representatives() {
  std::vector<std::uint16_t> first(kCells);
  std::unordered_map<std::string, std::uint16_t> seen;
  for (int index = 0; index < kCells; ++index) {
    first[index] = seen.emplace(expression(cell_at(index)), index).first->second;
  }
  return first;
}

/// The cell space of Dong and Yang, "NAS-Bench-201: Extending the Scope of Reproducible Neural
/// Architecture Search" (2020), sections 2.1 and 2.2. The choices of a genotype are the digits of
/// the published tables.
class NasBench201Space final : public SearchSpace {
 public:
  NasBench201Space(const Config& options, const Task& task) : task_(task) {
    options.require_known_keys({"family", "cells_per_stage", "channels"});
    cells_per_stage_ = static_cast<int>(options.int_or("cells_per_stage", 5, 1, 20));
    channels_ = static_cast<int>(options.int_or("channels", 16, 1, 256));
    for (const Edge& edge : kEdges) {
      decisions_.push_back({fmt::format("edge_{}_{}", edge.from, edge.to),
                            {"none", "skip", "conv1x1", "conv3x3", "avgpool"}});
    }
  }

  std::span<const Decision> decisions() const override { return decisions_; }

  /// The canonical cell in full: `none` edges are Zero layers, so that parameters and MACs are
  /// those of the published tables; ir::remove_dead_layers gives what a compiling runtime executes.
  ir::Network decode(const Genotype& genotype) const override {
    const Cell cell = cell_at(index_of(canonical(genotype)));
    NetworkBuilder builder(task_.input);
    Tensor x = builder.conv_bn("stem", builder.input(), {channels_, square(3)});
    for (int stage = 1; stage <= 3; ++stage) {
      if (stage > 1) x = residual_block(builder, fmt::format("reduce{}", stage - 1), x);
      for (int i = 1; i <= cells_per_stage_; ++i) {
        x = add_cell(builder, fmt::format("stage{}.cell{}", stage, i), x, cell);
      }
    }
    x = builder.batch_norm("last.bn", x);
    x = builder.activation("last.act", x, ir::ActivationKind::kRelu);
    x = builder.global_average_pool("pool", x);
    return std::move(builder).finish(x, task_.classes);
  }

  /// The first of the genotypes, in the order of their digits, that NAS-Bench-201 counts as one
  /// network: 6,466 of the 15,625. The count is the published one, by text: it keeps apart cells
  /// that differ in the order of a nested sum or in how they compute zero (4,930 would be left).
  Genotype canonical(const Genotype& genotype) const override {
    static const std::vector<std::uint16_t> kRepresentatives = representatives();
    require_member(*this, genotype);
    const Cell cell = cell_at(kRepresentatives[index_of(genotype)]);
    return {{cell.begin(), cell.end()}};
  }

 private:
  static Tensor relu_conv_bn(NetworkBuilder& builder, const std::string& name, const Tensor& in,
                             int channels, int kernel, int stride = 1) {
    const Tensor x = builder.activation(name + ".act", in, ir::ActivationKind::kRelu);
    return builder.conv_bn(name, x, {channels, square(kernel), square(stride)});
  }

  static Tensor add_edge(NetworkBuilder& builder, const std::string& name, const Tensor& in,
                         int op) {
    switch (op) {
      case kNone:
        return builder.zero(name + ".zero", in);
      case kSkip:
        return in;
      case kAveragePool:
        return builder.pool(name + ".pool", in, ir::PoolKind::kAverage,
                            same_window(in.shape, square(3), square(1)));
      default:
        return relu_conv_bn(builder, name, in, in.shape.channels, op == kConv1x1 ? 1 : 3);
    }
  }

  static Tensor add_cell(NetworkBuilder& builder, const std::string& name, const Tensor& in,
                         const Cell& cell) {
    std::array<Tensor, kNodes> nodes = {in};
    for (int node = 1; node < kNodes; ++node) {
      std::vector<Tensor> terms;
      for (std::size_t i = 0; i < kEdges.size(); ++i) {
        const auto [from, to] = kEdges[i];
        if (to != node) continue;
        terms.push_back(
            add_edge(builder, fmt::format("{}.edge_{}_{}", name, from, to), nodes[from], cell[i]));
      }
      nodes[node] = terms.size() == 1 ? terms.front()
                                      : builder.add(fmt::format("{}.node{}", name, node), terms);
    }
    return nodes.back();
  }

  /// Halves the extents and doubles the channels; the shortcut is average pool and 1x1 convolution.
  static Tensor residual_block(NetworkBuilder& builder, const std::string& name, const Tensor& in) {
    const int channels = 2 * in.shape.channels;
    Tensor x = relu_conv_bn(builder, name + ".conv1", in, channels, 3, 2);
    x = relu_conv_bn(builder, name + ".conv2", x, channels, 3);
    Tensor shortcut = builder.downsample(name + ".pool", in, 2);
    shortcut = builder.conv(name + ".shortcut", shortcut, {.out_channels = channels});
    return builder.add(name + ".add", {shortcut, x});
  }

  Task task_;
  int cells_per_stage_ = 0;
  int channels_ = 0;
  std::vector<Decision> decisions_;
};

}  // namespace

std::unique_ptr<SearchSpace> make_nasbench201(const Config& options, const Task& task) {
  return std::make_unique<NasBench201Space>(options, task);
}

}  // namespace hwnas::spaces
