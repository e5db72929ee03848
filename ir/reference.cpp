#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "core/error.hpp"
#include "ir/overloaded.hpp"
#include "ir/weights.hpp"

namespace hwnas::ir {

namespace {

/// One activation in NCHW order, N = 1.
struct Tensor {
  Shape shape;
  std::vector<float> values;

  explicit Tensor(const Shape& s) : shape(s), values(static_cast<std::size_t>(s.elements())) {}
  float* row(int channel, int y) {
    return values.data() + (std::int64_t{channel} * shape.height + y) * shape.width;
  }
  const float* row(int channel, int y) const { return const_cast<Tensor*>(this)->row(channel, y); }
};

/// Output positions x for which offset + x·stride lies in [0, extent).
struct Range {
  int begin;
  int end;
};
Range positions_inside(int offset, int stride, int extent, int out_extent) {
  const int begin = offset < 0 ? (-offset + stride - 1) / stride : 0;
  const int end = extent <= offset ? 0 : (extent - offset - 1) / stride + 1;
  return {std::min(begin, out_extent), std::clamp(end, std::min(begin, out_extent), out_extent)};
}

/// out += weight · (in shifted and strided), one kernel tap of one channel pair. The innermost
/// loop runs along a row, so that the compiler can vectorise it.
void accumulate_tap(const Conv2d& conv, float weight, const Tensor& in, int in_channel, int ky,
                    int kx, int out_channel, Tensor& out) {
  const Window& window = conv.window;
  const int dy = ky * conv.dilation_height - window.padding.top;
  const int dx = kx * conv.dilation_width - window.padding.left;
  const Range ys = positions_inside(dy, window.stride_height, in.shape.height, out.shape.height);
  const Range xs = positions_inside(dx, window.stride_width, in.shape.width, out.shape.width);
  for (int y = ys.begin; y < ys.end; ++y) {
    const float* const source = in.row(in_channel, y * window.stride_height + dy);
    float* const target = out.row(out_channel, y);
    if (window.stride_width == 1) {
      for (int x = xs.begin; x < xs.end; ++x) target[x] += weight * source[x + dx];
    } else {
      for (int x = xs.begin; x < xs.end; ++x) {
        target[x] += weight * source[x * window.stride_width + dx];
      }
    }
  }
}

void run(const Conv2d& conv, const LayerWeights& weights, const Tensor& in, Tensor& out) {
  const int in_per_group = in.shape.channels / conv.groups;
  const int out_per_group = conv.out_channels / conv.groups;
  const float* weight = weights.weight.values.data();
  for (int o = 0; o < conv.out_channels; ++o) {
    if (conv.bias) {
      std::fill_n(out.row(o, 0), out.shape.height * out.shape.width, weights.bias.values[o]);
    }
    for (int i = 0; i < in_per_group; ++i) {
      const int in_channel = o / out_per_group * in_per_group + i;
      for (int ky = 0; ky < conv.window.kernel_height; ++ky) {
        for (int kx = 0; kx < conv.window.kernel_width; ++kx) {
          accumulate_tap(conv, *weight++, in, in_channel, ky, kx, o, out);
        }
      }
    }
  }
}

void run(const Linear& linear, const LayerWeights& weights, const Tensor& in, Tensor& out) {
  const float* row = weights.weight.values.data();
  for (int o = 0; o < linear.out_features; ++o, row += in.shape.channels) {
    float sum = linear.bias ? weights.bias.values[o] : 0.0F;
    for (int i = 0; i < in.shape.channels; ++i) sum += row[i] * in.values[i];
    out.values[o] = sum;
  }
}

void run(const BatchNorm& norm, const LayerWeights& weights, const Tensor& in, Tensor& out) {
  const int pixels = in.shape.height * in.shape.width;
  for (int c = 0; c < in.shape.channels; ++c) {
    const float scale =
        weights.weight.values[c] / std::sqrt(weights.running_var.values[c] + norm.epsilon);
    const float mean = weights.running_mean.values[c];
    const float bias = weights.bias.values[c];
    std::transform(in.row(c, 0), in.row(c, 0) + pixels, out.row(c, 0),
                   [=](float x) { return scale * (x - mean) + bias; });
  }
}

float activate(ActivationKind kind, float x) {
  switch (kind) {
    case ActivationKind::kRelu:
      return std::max(x, 0.0F);
    case ActivationKind::kRelu6:
      return std::clamp(x, 0.0F, 6.0F);
    case ActivationKind::kHardSwish:
      return x * std::clamp(x + 3.0F, 0.0F, 6.0F) / 6.0F;
    case ActivationKind::kHardSigmoid:
      return std::clamp(x + 3.0F, 0.0F, 6.0F) / 6.0F;
    case ActivationKind::kSigmoid:
      return 1.0F / (1.0F + std::exp(-x));
  }
  return x;
}

void run(const Pool& pool, const Tensor& in, Tensor& out) {
  const Window& window = pool.window;
  const bool is_max = pool.kind == PoolKind::kMax;
  for (int c = 0; c < out.shape.channels; ++c) {
    for (int y = 0; y < out.shape.height; ++y) {
      const int top = y * window.stride_height - window.padding.top;
      const int y_end = std::min(top + window.kernel_height, in.shape.height);
      for (int x = 0; x < out.shape.width; ++x) {
        const int left = x * window.stride_width - window.padding.left;
        const int x_end = std::min(left + window.kernel_width, in.shape.width);
        float largest = -std::numeric_limits<float>::infinity();
        float sum = 0;
        int count = 0;
        for (int in_y = std::max(top, 0); in_y < y_end; ++in_y) {
          for (int in_x = std::max(left, 0); in_x < x_end; ++in_x, ++count) {
            const float value = in.row(c, in_y)[in_x];
            largest = std::max(largest, value);
            sum += value;
          }
        }
        out.row(c, y)[x] = is_max ? largest : sum / static_cast<float>(count);
      }
    }
  }
}

void run(const GlobalAveragePool&, const Tensor& in, Tensor& out) {
  const int pixels = in.shape.height * in.shape.width;
  for (int c = 0; c < in.shape.channels; ++c) {
    float sum = 0;
    for (int i = 0; i < pixels; ++i) sum += in.row(c, 0)[i];
    out.values[c] = sum / static_cast<float>(pixels);
  }
}

void run(const Softmax&, const Tensor& in, Tensor& out) {
  const float largest = *std::max_element(in.values.begin(), in.values.end());
  float sum = 0;
  for (std::size_t i = 0; i < in.values.size(); ++i) {
    sum += out.values[i] = std::exp(in.values[i] - largest);
  }
  for (float& value : out.values) value /= sum;
}

void run(const Pad& pad, const Tensor& in, Tensor& out) {
  for (int c = 0; c < in.shape.channels; ++c) {
    for (int y = 0; y < in.shape.height; ++y) {
      std::copy_n(in.row(c, y), in.shape.width, out.row(c, y + pad.padding.top) + pad.padding.left);
    }
  }
}

void multiply(const Tensor& in, const Tensor& gate, Tensor& out) {
  const std::size_t pixels_per_gate = in.values.size() / gate.values.size();
  for (std::size_t i = 0; i < in.values.size(); ++i) {
    out.values[i] = in.values[i] * gate.values[i / pixels_per_gate];
  }
}

Tensor run_layer(const Layer& layer, const Weights& weights,
                 const std::vector<const Tensor*>& inputs, const Shape& out_shape) {
  const Tensor& in = *inputs.front();
  Tensor out(out_shape);
  std::visit(overloaded{
                 [&](const Activation& activation) {
                   std::ranges::transform(in.values, out.values.begin(),
                                          [&](float x) { return activate(activation.kind, x); });
                 },
                 [&](const Add&) {
                   for (const Tensor* const term : inputs) {
                     std::ranges::transform(out.values, term->values, out.values.begin(),
                                            std::plus<>());
                   }
                 },
                 [&](const Mul&) { multiply(in, *inputs[1], out); },
                 [&](const Concat&) {
                   auto target = out.values.begin();
                   for (const Tensor* const part : inputs) {
                     target = std::ranges::copy(part->values, target).out;
                   }
                 },
                 [&](const Flatten&) { out.values = in.values; },
                 [](const Zero&) {},
                 [&](const auto& op) {
                   if constexpr (requires { run(op, LayerWeights{}, in, out); }) {
                     run(op, weights.layers.at(layer.name), in, out);
                   } else {
                     run(op, in, out);
                   }
                 },
             },
             layer.op);
  return out;
}

}  // namespace

std::vector<float> run_reference(const Network& network, const Weights& weights,
                                 const std::vector<float>& input) {
  return run_reference(network, weights, input, {});
}

std::vector<float> run_reference(const Network& network, const Weights& weights,
                                 const std::vector<float>& input, const LayerObserver& observer) {
  verify(network, weights);
  const std::vector<Shape> shapes = infer_shapes(network);
  Tensor first(network.input);
  if (input.size() != first.values.size()) {
    throw invalid_argument("input has {} values, but the network takes {}", input.size(),
                           first.values.size());
  }
  first.values = input;
  std::vector<Tensor> outputs;
  outputs.reserve(network.layers.size());
  std::vector<const Tensor*> inputs;
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    inputs.clear();
    for (const int index : network.layers[i].inputs) {
      inputs.push_back(index == kNetworkInput ? &first : &outputs[index]);
    }
    outputs.push_back(run_layer(network.layers[i], weights, inputs, shapes[i]));
    if (observer) observer(static_cast<int>(i), outputs.back().values);
  }
  return std::move(outputs.back().values);
}

}  // namespace hwnas::ir
