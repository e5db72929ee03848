#include "nn/depthwise_conv_torch.hpp"

#include "nn/kernels.hpp"
#include "nn/operators_torch.hpp"
#include "nn/parts_torch.hpp"

namespace hwnas::nn {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

DepthwiseShape shape_of(const ir::Conv2d& conv, const Tensor& x) {
  const ir::Window& window = conv.window;
  const auto extent = [&](std::int64_t size, int before, int after) {
    return static_cast<int>((size + before + after - window.kernel_height) / window.stride_height +
                            1);
  };
  return {.channels = static_cast<int>(x.size(1)),
          .height = static_cast<int>(x.size(2)),
          .width = static_cast<int>(x.size(3)),
          .out_height = extent(x.size(2), window.padding.top, window.padding.bottom),
          .out_width = extent(x.size(3), window.padding.left, window.padding.right),
          .kernel = window.kernel_height,
          .stride = window.stride_height,
          .top = window.padding.top,
          .left = window.padding.left};
}

template <typename Value>
Tensor convolve(const DepthwiseShape& shape, const Tensor& x, const Tensor& weight) {
  Tensor y = torch::empty({x.size(0), shape.channels, shape.out_height, shape.out_width},
                          x.options().memory_format(at::MemoryFormat::ChannelsLast));
  const Value* in = values_of<Value>(x);
  const auto* taps = weight.data_ptr<float>();
  Value* out = values_of<Value>(y);
  for_parts(x.size(0), [&](std::int64_t, std::int64_t first, std::int64_t images) {
    kernels().of<Value>().depthwise(shape, images, in + first * shape.in_elements(), taps,
                                    out + first * shape.out_elements());
  });
  return y;
}

template <typename Value>
struct DepthwiseConv : torch::autograd::Function<DepthwiseConv<Value>> {
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& weight,
                        const DepthwiseShape& shape) {
    context->save_for_backward({x, weight});
    context->saved_data["stride"] = std::int64_t{shape.stride};
    context->saved_data["top"] = std::int64_t{shape.top};
    context->saved_data["left"] = std::int64_t{shape.left};
    return convolve<Value>(shape, x, weight);
  }

  static tensor_list backward(AutogradContext* context, tensor_list gradients) {
    const auto variables = context->get_saved_variables();
    const Tensor& x = variables[0];
    const Tensor& weight = variables[1];
    const Tensor dy = as_rows(gradients[0]);
    const auto saved = [&](const char* name) {
      return static_cast<int>(context->saved_data[name].toInt());
    };
    const DepthwiseShape shape{.channels = static_cast<int>(x.size(1)),
                               .height = static_cast<int>(x.size(2)),
                               .width = static_cast<int>(x.size(3)),
                               .out_height = static_cast<int>(dy.size(2)),
                               .out_width = static_cast<int>(dy.size(3)),
                               .kernel = static_cast<int>(weight.size(2)),
                               .stride = saved("stride"),
                               .top = saved("top"),
                               .left = saved("left")};
    Tensor dx = context->needs_input_grad(0) ? torch::empty_like(x) : Tensor();
    Tensor parts = torch::zeros({kParts, weight.numel()}, weight.options());
    for_parts(x.size(0), [&](std::int64_t part, std::int64_t first, std::int64_t images) {
      kernels().of<Value>().depthwise_gradient(
          shape, images, values_of<Value>(x) + first * shape.in_elements(),
          weight.data_ptr<float>(), values_of<Value>(dy) + first * shape.out_elements(),
          dx.defined() ? values_of<Value>(dx) + first * shape.in_elements() : nullptr,
          parts.data_ptr<float>() + part * weight.numel());
    });
    return {dx, parts.sum(0).view(weight.sizes()), Tensor()};
  }
};

}  // namespace

bool runs_depthwise(const ir::Conv2d& conv, const Tensor& x) {
  const ir::Window& window = conv.window;
  const int kernel = window.kernel_height;
  const auto within = [&](int padding) { return 0 <= padding && padding < kernel; };
  const auto type = x.scalar_type();
  return x.device().is_cpu() && (type == torch::kFloat || type == torch::kBFloat16) &&
         conv.groups > 1 && conv.groups == x.size(1) && conv.out_channels == conv.groups &&
         (kernel == 3 || kernel == 5 || kernel == 7) && window.kernel_width == kernel &&
         conv.dilation_height == 1 && conv.dilation_width == 1 &&
         window.stride_height == window.stride_width && window.stride_height <= 2 &&
         within(window.padding.top) && within(window.padding.left) &&
         within(window.padding.bottom) && within(window.padding.right);
}

Tensor depthwise_conv(const ir::Conv2d& conv, const Tensor& input, const Tensor& filters) {
  const Tensor x = as_rows(input);
  const Tensor weight = filters.contiguous();
  const DepthwiseShape shape = shape_of(conv, x);
  return x.scalar_type() == torch::kFloat ? DepthwiseConv<float>::apply(x, weight, shape)
                                          : DepthwiseConv<Bfloat16>::apply(x, weight, shape);
}

}  // namespace hwnas::nn
