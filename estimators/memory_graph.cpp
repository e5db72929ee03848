#include "estimators/memory_graph.hpp"

#include <algorithm>
#include <variant>

#include "estimators/fusion.hpp"

namespace hwnas::estimators {

namespace {

bool is_elementwise(const ir::Operator& op) {
  return std::holds_alternative<ir::Activation>(op) || std::holds_alternative<ir::BatchNorm>(op) ||
         std::holds_alternative<ir::Add>(op) || std::holds_alternative<ir::Mul>(op);
}

std::int64_t bytes_of(std::int64_t elements, int bits) {
  return (elements * bits + 7) / 8;
}

/// The input has no precision of its own: it comes as bytes, or wider if a layer computes so.
int input_bits(const ir::Network& network) {
  int bits = 8;
  for (const ir::Layer& layer : network.layers) {
    if (std::count(layer.inputs.begin(), layer.inputs.end(), ir::kNetworkInput) > 0) {
      bits = std::max(bits, layer.precision.activation_bits);
    }
  }
  return bits;
}

/// Bits of each kernel's output: those of the last layer fused into it.
std::vector<int> output_bits(const ir::Network& network, const std::vector<int>& kernels) {
  std::vector<int> bits(network.layers.size());
  for (std::size_t i = 0; i < bits.size(); ++i) {
    if (std::holds_alternative<ir::Flatten>(network.layers[i].op)) continue;
    bits[kernels[i]] = network.layers[i].precision.activation_bits;
  }
  return bits;
}

}  // namespace

MemoryGraph memory_graph(const ir::Network& network, const SramOptions& options) {
  ir::verify(network);
  const std::vector<ir::Shape> shapes = ir::infer_shapes(network);
  const std::vector<int> kernels = kernel_layers(network);
  const std::vector<int> bits = output_bits(network, kernels);

  MemoryGraph graph;
  graph.steps.reserve(network.layers.size());
  graph.bytes.push_back(
      options.count_input ? bytes_of(network.input.elements(), input_bits(network)) : 0);
  std::vector<int> tensor_of(network.layers.size());
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    const ir::Layer& layer = network.layers[i];
    if (kernels[i] != static_cast<int>(i)) {
      tensor_of[i] = kernels[i] == ir::kNetworkInput ? 0 : tensor_of[kernels[i]];
      continue;
    }
    MemoryStep step{.layer = static_cast<int>(i), .bytes = 0, .reads = {}, .may_overwrite = false};
    for (const int input : layer.inputs) {
      const int tensor = input == ir::kNetworkInput ? 0 : tensor_of[input];
      if (std::count(step.reads.begin(), step.reads.end(), tensor) == 0) {
        step.reads.push_back(tensor);
      }
    }
    // Zeros are constants: they are not written at run time.
    const bool constant = std::holds_alternative<ir::Zero>(layer.op);
    step.bytes = constant ? 0 : bytes_of(shapes[i].elements(), bits[i]);
    step.may_overwrite = options.in_place_elementwise && is_elementwise(layer.op);
    graph.bytes.push_back(step.bytes);
    graph.steps.push_back(std::move(step));
    tensor_of[i] = static_cast<int>(graph.steps.size());
  }
  graph.output = tensor_of.back();
  graph.readers.resize(graph.bytes.size());
  for (std::size_t s = 0; s < graph.steps.size(); ++s) {
    for (const int tensor : graph.steps[s].reads) {
      graph.readers[tensor].push_back(static_cast<int>(s));
    }
  }
  return graph;
}

MemoryWalk::MemoryWalk(const MemoryGraph& graph) : graph_(&graph), live_(graph.bytes[0]) {
  pending_readers_.reserve(graph.readers.size());
  for (const std::vector<int>& readers : graph.readers) {
    pending_readers_.push_back(static_cast<int>(readers.size()));
  }
  ++pending_readers_[graph.output];
}

MemoryWalk::Cost MemoryWalk::cost(int step) const {
  const MemoryStep& next = graph_->steps[step];
  std::int64_t freed = 0;
  bool overwrites = false;
  for (const int tensor : next.reads) {
    if (!dies(tensor)) continue;
    freed += graph_->bytes[tensor];
    overwrites |= next.may_overwrite && graph_->bytes[tensor] >= next.bytes;
  }
  return {.during = live_ + (overwrites ? 0 : next.bytes), .after = live_ + next.bytes - freed};
}

MemoryWalk::Cost MemoryWalk::execute(int step) {
  const Cost result = cost(step);
  for (const int tensor : graph_->steps[step].reads) --pending_readers_[tensor];
  live_ = result.after;
  return result;
}

}  // namespace hwnas::estimators
