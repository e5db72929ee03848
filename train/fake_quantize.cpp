#include <algorithm>
#include <cmath>
#include <limits>

#include "nn/kernels.hpp"
#include "nn/operators_torch.hpp"
#include "train/fake_quantize_torch.hpp"

namespace hwnas::train {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

constexpr double kBinaryClip = 2;  // of α

/// Where a range of integers ends, zero point taken off, and what clamps the values before.
struct Range {
  double lowest = 0;
  double highest = 0;
  double clamp_below = -std::numeric_limits<double>::infinity();
  double clamp_above = std::numeric_limits<double>::infinity();

  double gradient_scale(std::int64_t sharing) const {
    return 1 / std::sqrt(double(sharing) * std::max(-lowest, highest));
  }
};

/// The kernels' form of a range: a bound of the clamp is met first where it lies inside.
nn::FakeQuantizer quantizer_of(const Range& range, float step) {
  const auto below = static_cast<float>(range.clamp_below) / step;
  const auto above = static_cast<float>(range.clamp_above) / step;
  const auto lowest = static_cast<float>(range.lowest);
  const auto highest = static_cast<float>(range.highest);
  return {.scale = step,
          .lowest = std::max(lowest, below),
          .highest = std::min(highest, above),
          .slope_below = below > lowest ? std::rint(below) - below : lowest,
          .slope_above = above < highest ? std::rint(above) - above : highest};
}

/// On the CPU: `steps` share the values in equal consecutive parts.
struct FakeQuantize : torch::autograd::Function<FakeQuantize> {
  static Tensor forward(AutogradContext* context, const Tensor& input, const Tensor& steps,
                        const Range& range, double gradient_scale) {
    const Tensor x = nn::as_rows(input);
    Tensor y = torch::empty_like(x);
    for_each_step(x, steps, range,
                  [&](std::int64_t, std::int64_t first, std::int64_t count,
                      const nn::FakeQuantizer& quantizer) {
                    nn::kernels().fake_quantize(count, quantizer, x.data_ptr<float>() + first,
                                                y.data_ptr<float>() + first);
                  });
    context->save_for_backward({x, steps});
    context->saved_data["range"] =
        std::vector<double>{range.lowest, range.highest, range.clamp_below, range.clamp_above};
    context->saved_data["gradient_scale"] = gradient_scale;
    return y;
  }

  static tensor_list backward(AutogradContext* context, tensor_list gradients) {
    const auto variables = context->get_saved_variables();
    const Tensor& x = variables[0];
    const Tensor& steps = variables[1];
    const std::vector<double> bounds = context->saved_data["range"].toDoubleVector();
    const Range range{bounds[0], bounds[1], bounds[2], bounds[3]};
    const double gradient_scale = context->saved_data["gradient_scale"].toDouble();
    const Tensor dy = nn::as_rows(gradients[0]);
    Tensor dx = torch::empty_like(x);
    Tensor d_steps = torch::empty_like(steps);
    for_each_step(x, steps, range,
                  [&](std::int64_t step, std::int64_t first, std::int64_t count,
                      const nn::FakeQuantizer& quantizer) {
                    const double gradient = nn::kernels().fake_quantize_gradient(
                        count, quantizer, dy.data_ptr<float>() + first, x.data_ptr<float>() + first,
                        dx.data_ptr<float>() + first);
                    d_steps.data_ptr<float>()[step] = static_cast<float>(gradient_scale * gradient);
                  });
    return {dx, d_steps, Tensor(), Tensor()};
  }

 private:
  template <typename Body>
  static void for_each_step(const Tensor& x, const Tensor& steps, const Range& range,
                            const Body& body) {
    const std::int64_t count = x.numel() / steps.numel();
    for (std::int64_t i = 0; i < steps.numel(); ++i) {
      body(i, i * count, count, quantizer_of(range, steps.data_ptr<float>()[i]));
    }
  }
};

/// f(x), with the gradient of x.
Tensor straight_through(const Tensor& value, const Tensor& x) {
  return x + (value - x).detach();
}

/// The same as FakeQuantize, of LibTorch's own operators.
Tensor composed(const Tensor& x, const Tensor& steps, const Range& range, double gradient_scale) {
  std::vector<std::int64_t> shape(static_cast<std::size_t>(x.dim()), 1);
  if (steps.numel() > 1) shape[0] = steps.numel();
  const Tensor scaled = steps * gradient_scale;
  const Tensor s = (scaled + (steps - scaled).detach()).view(shape);
  const Tensor v =
      (x.clamp(range.clamp_below, range.clamp_above) / s).clamp(range.lowest, range.highest);
  return straight_through(v.round(), v) * s;
}

Tensor fake_quantize(const Tensor& x, const Tensor& steps, const Range& range,
                     std::int64_t sharing) {
  const double gradient_scale = range.gradient_scale(sharing);
  if (!x.device().is_cpu() || x.scalar_type() != torch::kFloat) {
    return composed(x, steps, range, gradient_scale);
  }
  return FakeQuantize::apply(x, steps, range, gradient_scale);
}

Tensor alpha_of(const Tensor& weight, bool per_channel) {
  std::vector<std::int64_t> dims;
  for (std::int64_t d = per_channel ? 1 : 0; d < weight.dim(); ++d) dims.push_back(d);
  return weight.abs().mean(dims, /*keepdim=*/true);
}

Tensor binarize(const Tensor& weight, bool per_channel) {
  const Tensor alpha = alpha_of(weight, per_channel);
  const Tensor clipped = (weight / alpha.detach()).clamp(-kBinaryClip, kBinaryClip);
  const Tensor sign = torch::where(weight < 0, -torch::ones_like(weight), torch::ones_like(weight));
  return alpha * straight_through(sign, clipped);
}

}  // namespace

Tensor fake_quantize_activation(const Tensor& x, const Tensor& step,
                                const ir::Quantization& quantization,
                                std::optional<ir::ActivationKind> clamp) {
  Range range{.lowest = double(quantization.lowest()) - quantization.zero_point,
              .highest = double(quantization.highest()) - quantization.zero_point};
  if (clamp) range.clamp_below = 0;
  if (clamp == ir::ActivationKind::kRelu6) range.clamp_above = 6;
  return fake_quantize(x, step, range, x.numel() / x.size(0));
}

Tensor fake_quantize_weight(const Tensor& weight, const Tensor& steps, ir::WeightFormat format) {
  if (format == ir::WeightFormat::kBinary) return binarize(weight, steps.numel() > 1);
  const ir::WeightFormatInfo& info = ir::info(format);
  const Range range{.lowest = double(info.lowest), .highest = double(info.highest)};
  return fake_quantize(weight, steps, range, weight.numel() / steps.numel());
}

Tensor binary_scales(const Tensor& weight, bool per_channel) {
  return alpha_of(weight, per_channel).flatten();
}

}  // namespace hwnas::train
