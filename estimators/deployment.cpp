#include "estimators/deployment.hpp"

#include <algorithm>
#include <map>
#include <string_view>
#include <variant>

#include "estimators/fusion.hpp"
#include "ir/overloaded.hpp"
#include "ir/weights.hpp"

namespace hwnas::estimators {

namespace {

using ir::overloaded;

std::int64_t bytes_of(std::int64_t elements, int bits) {
  return (elements * bits + 7) / 8;
}

/// How an operator turns its inputs into work; `in` is its first input.
struct Work {
  KernelClass kind = KernelClass::kElementwise;
  std::int64_t elements = 0;
};

Work work_of(const ir::Layer& layer, int inputs, const ir::Shape& in, const ir::Shape& out) {
  const auto reading = [](std::int64_t elements) {
    return Work{KernelClass::kElementwise, elements};
  };
  return std::visit(
      overloaded{
          [&](const ir::Conv2d& conv) {
            const bool depthwise = conv.groups > 1 && conv.groups == in.channels;
            const bool pointwise = conv.window.kernel_height * conv.window.kernel_width == 1;
            return Work{depthwise   ? KernelClass::kDepthwise
                        : pointwise ? KernelClass::kPointwise
                                    : KernelClass::kConv,
                        0};
          },
          [](const ir::Linear&) {
            return Work{KernelClass::kLinear, 0};
          },
          [&](const ir::BatchNorm&) {
            return Work{in.channels > 1 ? KernelClass::kDepthwise : KernelClass::kPointwise, 0};
          },
          [](const ir::Zero&) {
            return Work{KernelClass::kNone, 0};
          },
          // The first term of a sum or product is not worked on, but read together with the next.
          [&](const ir::Add&) { return reading((std::max(inputs, 1) - 1) * out.elements()); },
          [&](const ir::Mul&) { return reading(out.elements()); },
          [&](const ir::Pool& pool) {
            return reading(out.elements() * pool.window.kernel_height * pool.window.kernel_width);
          },
          [&](const ir::GlobalAveragePool&) { return reading(in.elements()); },
          [&](const auto&) { return reading(out.elements()); },
      },
      layer.op);
}

/// A batch norm of its own is a depthwise 1x1 convolution, as ir::fold_batch_norm makes it.
std::int64_t kernel_macs(const ir::Layer& layer, const ir::Shape& in, const ir::Shape& out) {
  return std::holds_alternative<ir::BatchNorm>(layer.op) ? out.elements()
                                                         : ir::macs(layer, in, out);
}

std::int64_t kernel_constants(const ir::Layer& layer, const ir::Shape& in) {
  if (!std::holds_alternative<ir::BatchNorm>(layer.op)) return constant_bytes(layer, in);
  const int weight_bits = layer.precision.weight_bits;
  const int per_channel = weight_bits < 32 ? ConstantSizes{}.per_output_channel : 4;
  return bytes_of(in.channels, weight_bits) + std::int64_t{per_channel} * in.channels;
}

/// The bias that folding a batch norm gives to a float convolution or linear layer without one;
/// integer kernels have one anyway.
std::int64_t folded_bias_bytes(const ir::Layer& producer, const ir::Shape& out) {
  if (producer.precision.weight_bits < 32) return 0;
  const auto* const conv = std::get_if<ir::Conv2d>(&producer.op);
  const auto* const linear = std::get_if<ir::Linear>(&producer.op);
  const bool has_bias = (conv == nullptr || conv->bias) && (linear == nullptr || linear->bias);
  return has_bias ? 0 : std::int64_t{4} * out.channels;
}

}  // namespace

std::string_view to_string(KernelClass kernel_class) {
  switch (kernel_class) {
    case KernelClass::kConv:
      return "conv";
    case KernelClass::kPointwise:
      return "pointwise";
    case KernelClass::kDepthwise:
      return "depthwise";
    case KernelClass::kLinear:
      return "linear";
    case KernelClass::kElementwise:
      return "elementwise";
    case KernelClass::kNone:
      break;
  }
  return "none";
}

Deployment deploy(const ir::Network& network) {
  Deployment result{.network = ir::fold_batch_norm(ir::remove_dead_layers(network)), .origin = {}};
  std::map<std::string_view, int> index_of;
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    index_of.emplace(network.layers[i].name, static_cast<int>(i));
  }
  for (const ir::Layer& layer : result.network.layers) {
    result.origin.push_back(index_of.at(layer.name));
  }
  return result;
}

std::vector<Kernel> kernels(const ir::Network& network, const FusionRules& rules) {
  const std::vector<ir::Shape> shapes = ir::infer_shapes(network);
  return kernels(network, shapes, execution(network, rules));
}

std::vector<Kernel> kernels(const ir::Network& network, const std::vector<ir::Shape>& shapes,
                            const Execution& execution) {
  const auto shape_of = [&](int layer) {
    return layer == ir::kNetworkInput ? network.input : shapes[layer];
  };
  std::vector<Kernel> result(network.layers.size());
  for (std::size_t i = 0; i < result.size(); ++i) {
    const ir::Layer& layer = network.layers[i];
    const int owner = execution.kernel[i];
    if (owner < 0) continue;
    const std::span<const int> reads = execution.reads(static_cast<int>(i));
    const int bits = layer.precision.activation_bits;
    if (owner != static_cast<int>(i)) {
      Kernel& kernel = result[owner];
      if (std::holds_alternative<ir::BatchNorm>(layer.op)) {
        kernel.bytes += folded_bias_bytes(network.layers[owner], shapes[owner]);
      } else if (std::holds_alternative<ir::Add>(layer.op)) {
        kernel.bytes +=
            static_cast<std::int64_t>(reads.size() - 1) * bytes_of(shapes[i].elements(), bits);
      }
      continue;
    }
    const ir::Shape in = shape_of(layer.inputs.front());
    const Work work = work_of(layer, static_cast<int>(reads.size()), in, shapes[i]);
    if (work.kind == KernelClass::kNone) continue;
    std::int64_t bytes = bytes_of(shapes[i].elements(), bits) + kernel_constants(layer, in);
    for (const int source : reads) bytes += bytes_of(shape_of(source).elements(), bits);
    result[i] = {.kind = work.kind,
                 .macs = kernel_macs(layer, in, shapes[i]),
                 .outputs = shapes[i].elements(),
                 .elements = work.elements,
                 .bytes = bytes};
  }
  return result;
}

std::int64_t constant_bytes(const ir::Layer& layer, const ir::Shape& in,
                            const ConstantSizes& sizes) {
  const bool quantised = layer.precision.weight_bits < 32;
  const auto bytes = [&](std::int64_t out_channels, bool bias) {
    const std::int64_t weights = ir::parameters(layer, in) - (bias ? out_channels : 0);
    const int per_channel = quantised ? sizes.per_output_channel : (bias ? 4 : 0);
    return bytes_of(weights, layer.precision.weight_bits) + per_channel * out_channels;
  };
  return std::visit(
      overloaded{
          [&](const ir::Conv2d& conv) { return bytes(conv.out_channels, conv.bias); },
          [&](const ir::Linear& linear) { return bytes(linear.out_features, linear.bias); },
          [&](const ir::Activation& activation) {
            const bool clamp = activation.kind == ir::ActivationKind::kRelu ||
                               activation.kind == ir::ActivationKind::kRelu6;
            return std::int64_t{quantised && !clamp ? sizes.per_table : 0};
          },
          [&](const ir::Softmax&) { return std::int64_t{quantised ? sizes.per_softmax : 0}; },
          [](const auto&) { return std::int64_t{0}; },
      },
      layer.op);
}

}  // namespace hwnas::estimators
