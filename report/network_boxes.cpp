#include "report/network_boxes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <variant>

#include "estimators/memory_graph.hpp"
#include "ir/overloaded.hpp"

namespace hwnas::report {

namespace {

using ir::overloaded;

std::string window_text(const ir::Window& window) {
  std::string text = fmt::format("{}×{}", window.kernel_height, window.kernel_width);
  if (window.stride_height != window.stride_width) {
    return text + fmt::format(" /{}×{}", window.stride_height, window.stride_width);
  }
  return window.stride_height == 1 ? text : text + fmt::format(" /{}", window.stride_height);
}

BoxKind kind_of(const ir::Conv2d& conv, const ir::Shape& in) {
  if (conv.groups > 1 && conv.groups == in.channels) return BoxKind::kDepthwise;
  const bool single = conv.window.kernel_height == 1 && conv.window.kernel_width == 1;
  return single && conv.groups == 1 ? BoxKind::kPointwise : BoxKind::kConv;
}

BoxKind kind_of(const ir::Operator& op, const ir::Shape& in) {
  return std::visit(overloaded{
                        [&](const ir::Conv2d& conv) { return kind_of(conv, in); },
                        [](const ir::Linear&) { return BoxKind::kLinear; },
                        [](const ir::Pool&) { return BoxKind::kPool; },
                        [](const ir::GlobalAveragePool&) { return BoxKind::kPool; },
                        [](const ir::Add&) { return BoxKind::kCombine; },
                        [](const ir::Mul&) { return BoxKind::kCombine; },
                        [](const ir::Concat&) { return BoxKind::kCombine; },
                        [](const auto&) { return BoxKind::kOther; },
                    },
                    op);
}

std::string conv_text(const ir::Conv2d& conv, BoxKind kind) {
  std::string text = fmt::format("{} {}", plain_name(kind), window_text(conv.window));
  if (conv.groups > 1 && kind != BoxKind::kDepthwise)
    text += fmt::format(" in {} groups", conv.groups);
  if (conv.dilation_height > 1 || conv.dilation_width > 1) {
    text += fmt::format(" dilated {}×{}", conv.dilation_height, conv.dilation_width);
  }
  return text;
}

std::string action_of(const ir::Operator& op, BoxKind kind) {
  return std::visit(
      overloaded{
          [&](const ir::Conv2d& conv) { return conv_text(conv, kind); },
          [](const ir::Pool& pool) {
            return fmt::format("{} pool {}", pool.kind == ir::PoolKind::kMax ? "max" : "average",
                               window_text(pool.window));
          },
          [](const ir::GlobalAveragePool&) { return std::string("global average pool"); },
          [&](const auto&) {
            std::string name(ir::operator_name(op));
            std::ranges::replace(name, '_', ' ');
            return name;
          },
      },
      op);
}

/// Whether the operator runs with the one before it: it needs no pass over memory of its own.
bool folds(const ir::Operator& op) {
  return std::holds_alternative<ir::BatchNorm>(op) || std::holds_alternative<ir::Activation>(op) ||
         std::holds_alternative<ir::Flatten>(op);
}

std::vector<int> count_readers(const ir::Network& network) {
  std::vector<int> readers(network.layers.size(), 0);
  for (const ir::Layer& layer : network.layers) {
    for (const int input : layer.inputs) {
      if (input != ir::kNetworkInput) ++readers[static_cast<std::size_t>(input)];
    }
  }
  return readers;
}

/// "a.b.conv" and "a.b.bn" have "a.b" in common.
std::string common_name(std::string_view a, std::string_view b) {
  const auto ends = std::ranges::mismatch(a, b);
  if (ends.in1 == a.end() && ends.in2 == b.end()) return std::string(a);
  const std::string_view same = a.substr(0, static_cast<std::size_t>(ends.in1 - a.begin()));
  if (ends.in1 == a.end() && *ends.in2 == '.') return std::string(a);
  const std::size_t dot = same.rfind('.');
  return dot == std::string_view::npos ? std::string(a) : std::string(same.substr(0, dot));
}

void count_live_bytes(const ir::Network& network, const std::vector<int>& box_of,
                      std::vector<Box>& boxes) {
  const estimators::MemoryGraph graph = estimators::memory_graph(network, {});
  estimators::MemoryWalk walk(graph);
  for (int step = 0; step < static_cast<int>(graph.steps.size()); ++step) {
    const int layer = graph.steps[static_cast<std::size_t>(step)].layer;
    Box& box = boxes[static_cast<std::size_t>(box_of[static_cast<std::size_t>(layer)])];
    box.live_bytes = std::max(box.live_bytes, walk.execute(step).during);
  }
}

}  // namespace

std::string_view class_name(BoxKind kind) {
  constexpr std::string_view kNames[] = {"conv", "pointwise", "depthwise", "linear",
                                         "pool", "combine",   "other"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::string_view plain_name(BoxKind kind) {
  constexpr std::string_view kNames[] = {"convolution", "pointwise", "depthwise",
                                         "linear",      "pooling",   "add, multiply, concat",
                                         "other"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::vector<Box> fold_into_boxes(const ir::Network& network) {
  const std::vector<ir::Shape> shapes = ir::infer_shapes(network);
  const std::vector<int> readers = count_readers(network);
  std::vector<Box> boxes;
  std::vector<int> box_of(network.layers.size(), 0);
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    const ir::Layer& layer = network.layers[i];
    const int before = layer.inputs.front();
    if (folds(layer.op) && before != ir::kNetworkInput &&
        readers[static_cast<std::size_t>(before)] == 1) {
      Box& box = boxes[static_cast<std::size_t>(box_of[static_cast<std::size_t>(before)])];
      box.layers.push_back(static_cast<int>(i));
      box.name = common_name(box.name, layer.name);
      box.out = shapes[i];
      if (std::holds_alternative<ir::Activation>(layer.op)) {
        box.action += " · " + action_of(layer.op, BoxKind::kOther);
      }
      box_of[i] = box_of[static_cast<std::size_t>(before)];
      continue;
    }
    Box box;
    box.layers = {static_cast<int>(i)};
    for (const int input : layer.inputs) {
      box.inputs.push_back(input == ir::kNetworkInput ? input
                                                      : box_of[static_cast<std::size_t>(input)]);
    }
    box.kind = kind_of(layer.op, ir::input_shape(network, shapes, static_cast<int>(i)));
    box.name = layer.name;
    box.action = action_of(layer.op, box.kind);
    box.out = shapes[i];
    box_of[i] = static_cast<int>(boxes.size());
    boxes.push_back(std::move(box));
  }
  count_live_bytes(network, box_of, boxes);
  return boxes;
}

std::vector<Arc> arcs_between(const std::vector<Box>& boxes) {
  std::vector<Arc> arcs;
  for (int to = 0; to < static_cast<int>(boxes.size()); ++to) {
    for (const int from : boxes[static_cast<std::size_t>(to)].inputs) {
      if (from != to - 1) arcs.push_back({from, to, 0});
    }
  }
  // Short arcs take the inner lanes, so that nested ones do not cross.
  std::ranges::stable_sort(arcs, {}, [](const Arc& arc) { return arc.to - arc.from; });
  for (std::size_t i = 0; i < arcs.size(); ++i) {
    const auto taken = [&](int lane) {
      return std::any_of(
          arcs.begin(), arcs.begin() + static_cast<std::ptrdiff_t>(i), [&](const Arc& other) {
            return other.lane == lane && other.from < arcs[i].to && arcs[i].from < other.to;
          });
    };
    while (taken(arcs[i].lane)) ++arcs[i].lane;
  }
  return arcs;
}

}  // namespace hwnas::report
