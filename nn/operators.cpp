#include "nn/operators_torch.hpp"

#include <limits>

#include "nn/depthwise_conv_torch.hpp"

namespace hwnas::nn {
namespace {

using torch::Tensor;

bool is_symmetric(const ir::Padding& padding) {
  return padding.top == padding.bottom && padding.left == padding.right;
}

std::vector<std::int64_t> kernel_of(const ir::Window& w) {
  return {w.kernel_height, w.kernel_width};
}
std::vector<std::int64_t> stride_of(const ir::Window& w) {
  return {w.stride_height, w.stride_width};
}
std::vector<std::int64_t> symmetric_padding_of(const ir::Window& w) {
  return {w.padding.top, w.padding.left};
}

/// LibTorch pools symmetrically only, and at most by half a kernel.
bool pools_natively(const ir::Window& w) {
  return is_symmetric(w.padding) && 2 * w.padding.top <= w.kernel_height &&
         2 * w.padding.left <= w.kernel_width;
}

Tensor average_of_padded(const ir::Window& window, const Tensor& x) {
  const Tensor ones = torch::ones({1, 1, x.size(2), x.size(3)}, x.options());
  const auto mean_with_zeros = [&](const Tensor& t) {
    return torch::avg_pool2d(run_pad(window.padding, t), kernel_of(window), stride_of(window));
  };
  return mean_with_zeros(x) / mean_with_zeros(ones);
}

}  // namespace

Tensor as_rows(const Tensor& x) {
  return x.dim() == 4 ? x.contiguous(at::MemoryFormat::ChannelsLast) : x.contiguous();
}

Tensor run_pad(const ir::Padding& p, const Tensor& x, double value) {
  return torch::constant_pad_nd(x, {p.left, p.right, p.top, p.bottom}, value);
}

Tensor run_conv2d(const ir::Conv2d& conv, const Tensor& x, const Tensor& weight,
                  const Tensor& bias) {
  const auto type = x.scalar_type();
  if (runs_depthwise(conv, x)) {
    const Tensor y = depthwise_conv(conv, x, weight);
    return bias.defined() ? y + bias.to(type).view({1, -1, 1, 1}) : y;
  }
  const bool symmetric = is_symmetric(conv.window.padding);
  return torch::conv2d(
      symmetric ? x : run_pad(conv.window.padding, x), weight.to(type),
      bias.defined() ? bias.to(type) : bias, stride_of(conv.window),
      symmetric ? symmetric_padding_of(conv.window) : std::vector<std::int64_t>{0, 0},
      {conv.dilation_height, conv.dilation_width}, conv.groups);
}

Tensor run_pool(const ir::Pool& pool, const Tensor& x) {
  const ir::Window& window = pool.window;
  const bool native = pools_natively(window);
  if (pool.kind == ir::PoolKind::kMax) {
    if (native) {
      return torch::max_pool2d(x, kernel_of(window), stride_of(window),
                               symmetric_padding_of(window));
    }
    return torch::max_pool2d(run_pad(window.padding, x, -std::numeric_limits<double>::infinity()),
                             kernel_of(window), stride_of(window));
  }
  if (!native) return average_of_padded(window, x);
  return torch::avg_pool2d(x, kernel_of(window), stride_of(window), symmetric_padding_of(window),
                           /*ceil_mode=*/false, /*count_include_pad=*/false);
}

Tensor run_activation(ir::ActivationKind kind, const Tensor& x) {
  if (x.scalar_type() == torch::kBFloat16) {  // LibTorch 1.13 lacks some of the gradients
    return run_activation(kind, x.to(torch::kFloat)).to(torch::kBFloat16);
  }
  switch (kind) {
    case ir::ActivationKind::kRelu:
      return torch::relu(x);
    case ir::ActivationKind::kRelu6:
      return torch::hardtanh(x, 0, 6);
    case ir::ActivationKind::kHardSwish:
      return torch::hardswish(x);
    case ir::ActivationKind::kHardSigmoid:
      return torch::hardsigmoid(x);
    case ir::ActivationKind::kSigmoid:
      return torch::sigmoid(x);
  }
  return x;
}

}  // namespace hwnas::nn
