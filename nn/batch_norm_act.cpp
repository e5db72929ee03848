#include <array>
#include <cmath>
#include <vector>

#include "nn/batch_norm_act_torch.hpp"
#include "nn/operators_torch.hpp"
#include "nn/parts_torch.hpp"
#include "nn/torch_compat.hpp"

namespace hwnas::nn {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

Extent extent_of(const Tensor& x) {
  const auto channels = static_cast<int>(x.size(1));
  return {x.numel() / channels, channels};
}

/// Two sums a channel, over all rows: sum(part, first_row, rows, first_sums, second_sums).
struct ChannelSums {
  std::vector<double> first;
  std::vector<double> second;
};
template <typename Sum>
ChannelSums sum_over_rows(Extent extent, const Sum& sum) {
  const auto channels = static_cast<std::size_t>(extent.channels);
  std::vector<double> parts(2 * channels * kParts, 0.0);
  for_parts(extent.rows, [&](std::int64_t part, std::int64_t first_row, std::int64_t rows) {
    double* own = parts.data() + 2 * channels * part;
    sum(first_row, rows, own, own + channels);
  });
  ChannelSums total{std::vector<double>(channels, 0.0), std::vector<double>(channels, 0.0)};
  for (std::int64_t part = 0; part < kParts; ++part) {
    const double* own = parts.data() + 2 * channels * part;
    for (std::size_t c = 0; c < channels; ++c) {
      total.first[c] += own[c];
      total.second[c] += own[channels + c];
    }
  }
  return total;
}

/// What the backward pass needs of the forward one, as one float tensor of four rows.
enum Saved { kScale, kShift, kMean, kInvStd, kSavedRows };

/// Batch statistics of x; also moves the running ones.
template <typename Value>
void measure_batch(const Tensor& x, const Tensor& weight, const Tensor& bias, Tensor& running_mean,
                   Tensor& running_var, double epsilon, float* saved) {
  const Extent extent = extent_of(x);
  const Value* values = values_of<Value>(x);
  // The first pixel: in the range of the data.
  const Tensor first_pixel = x.as_strided({extent.channels}, {1}).to(torch::kFloat);
  const auto* pivot = first_pixel.data_ptr<float>();
  const ChannelSums sums =
      sum_over_rows(extent, [&](std::int64_t first, std::int64_t rows, double* s1, double* s2) {
        kernels().of<Value>().moments({rows, extent.channels}, values + first * extent.channels,
                                      pivot, s1, s2);
      });
  const auto count = static_cast<double>(extent.rows);
  const auto* gamma = weight.data_ptr<float>();
  const auto* beta = bias.data_ptr<float>();
  auto* tracked_mean = running_mean.data_ptr<float>();
  auto* tracked_var = running_var.data_ptr<float>();
  for (int c = 0; c < extent.channels; ++c) {
    const double offset = sums.first[c] / count;
    const double mean = pivot[c] + offset;
    const double variance = std::max(0.0, sums.second[c] / count - offset * offset);
    const double inv_std = 1 / std::sqrt(variance + epsilon);
    const double scale = gamma[c] * inv_std;
    saved[kScale * extent.channels + c] = static_cast<float>(scale);
    saved[kShift * extent.channels + c] = static_cast<float>(beta[c] - mean * scale);
    saved[kMean * extent.channels + c] = static_cast<float>(mean);
    saved[kInvStd * extent.channels + c] = static_cast<float>(inv_std);
    const double unbiased = count > 1 ? variance * count / (count - 1) : variance;
    tracked_mean[c] =
        static_cast<float>((1 - kBatchNormMomentum) * tracked_mean[c] + kBatchNormMomentum * mean);
    tracked_var[c] = static_cast<float>((1 - kBatchNormMomentum) * tracked_var[c] +
                                        kBatchNormMomentum * unbiased);
  }
}

/// y = activation(scale·x + shift + residual); y may be x.
template <typename Value>
void apply_affine(const Tensor& x, const float* saved, FusedActivation activation,
                  const Tensor& residual, Tensor& y) {
  const Extent extent = extent_of(x);
  const ChannelAffine affine{saved + kScale * extent.channels, saved + kShift * extent.channels};
  const Value* in = values_of<Value>(x);
  const Value* skip = residual.defined() ? values_of<Value>(residual) : nullptr;
  Value* out = values_of<Value>(y);
  for_parts(extent.rows, [&](std::int64_t, std::int64_t first, std::int64_t rows) {
    const std::int64_t offset = first * extent.channels;
    kernels().of<Value>().apply({rows, extent.channels}, activation, in + offset, affine,
                                skip ? skip + offset : nullptr, out + offset);
  });
}

/// The training-mode function on the CPU.
template <typename Value>
struct TrainBatchNormAct : torch::autograd::Function<TrainBatchNormAct<Value>> {
  static Tensor forward(AutogradContext* context, const Tensor& input, const Tensor& weight,
                        const Tensor& bias, const TorchOptional<Tensor>& residual_input,
                        Tensor running_mean, Tensor running_var, double epsilon,
                        std::int64_t activation_index) {
    const auto activation = static_cast<FusedActivation>(activation_index);
    const Tensor x = as_rows(input);
    const Tensor residual = residual_input ? as_rows(*residual_input) : Tensor();
    Tensor saved = torch::empty({kSavedRows, x.size(1)}, torch::TensorOptions(torch::kFloat));
    measure_batch<Value>(x, weight, bias, running_mean, running_var, epsilon,
                         saved.data_ptr<float>());
    Tensor y = torch::empty_like(x);
    apply_affine<Value>(x, saved.data_ptr<float>(), activation, residual, y);
    const bool mask_from_output = residual.defined() && activation != FusedActivation::kNone;
    context->save_for_backward({x, saved, weight, mask_from_output ? y : Tensor()});
    context->saved_data["activation"] = activation_index;
    context->saved_data["residual"] = residual.defined();
    return y;
  }

  static tensor_list backward(AutogradContext* context, tensor_list gradients) {
    const auto variables = context->get_saved_variables();
    const Tensor& x = variables[0];
    const Tensor& saved_tensor = variables[1];
    const Tensor& y = variables[3];
    const auto activation = static_cast<FusedActivation>(context->saved_data["activation"].toInt());
    const bool has_residual = context->saved_data["residual"].toBool();

    const Tensor dy = as_rows(gradients[0]);
    const Extent extent = extent_of(x);
    const auto channels = static_cast<std::size_t>(extent.channels);
    const auto* saved = saved_tensor.data_ptr<float>();
    const ChannelAffine affine{saved + kScale * channels, saved + kShift * channels};
    const float* mean = saved + kMean * channels;
    const float* inv_std = saved + kInvStd * channels;
    const Value* in = values_of<Value>(x);
    const Value* out = y.defined() ? values_of<Value>(y) : nullptr;
    const Value* grad = values_of<Value>(dy);

    const ChannelSums sums =
        sum_over_rows(extent, [&](std::int64_t first, std::int64_t rows, double* s1, double* s2) {
          const std::int64_t offset = first * extent.channels;
          kernels().of<Value>().reduce_gradient({rows, extent.channels}, activation, grad + offset,
                                                in + offset, out ? out + offset : nullptr, affine,
                                                mean, s1, s2);
        });

    Tensor d_weight = torch::empty_like(variables[2]);
    Tensor d_bias = torch::empty_like(variables[2]);
    // dx = gamma·inv_std·(dz − mean(dz) − x̂·mean(dz·x̂)), gathered as a·dz + b·x + c.
    std::vector<float> coefficients(3 * channels);
    float* a = coefficients.data();
    float* b = a + channels;
    float* c = b + channels;
    const auto count = static_cast<double>(extent.rows);
    for (std::size_t i = 0; i < channels; ++i) {
      const double sum_dz_x_hat = sums.second[i] * inv_std[i];
      d_weight.data_ptr<float>()[i] = static_cast<float>(sum_dz_x_hat);
      d_bias.data_ptr<float>()[i] = static_cast<float>(sums.first[i]);
      const double slope = affine.scale[i] * inv_std[i] * sum_dz_x_hat / count;
      a[i] = affine.scale[i];
      b[i] = static_cast<float>(-slope);
      c[i] = static_cast<float>(slope * mean[i] - affine.scale[i] * sums.first[i] / count);
    }

    Tensor dx = torch::empty_like(x);
    const bool writes_residual = has_residual && activation != FusedActivation::kNone;
    Tensor d_residual = writes_residual ? torch::empty_like(x) : Tensor();
    for_parts(extent.rows, [&](std::int64_t, std::int64_t first, std::int64_t rows) {
      const std::int64_t offset = first * extent.channels;
      kernels().of<Value>().apply_gradient(
          {rows, extent.channels}, activation, grad + offset, in + offset,
          out ? out + offset : nullptr, affine, a, b, c, values_of<Value>(dx) + offset,
          writes_residual ? values_of<Value>(d_residual) + offset : nullptr);
    });
    if (has_residual && !writes_residual) d_residual = dy;
    return {dx, d_weight, d_bias, d_residual, Tensor(), Tensor(), Tensor(), Tensor()};
  }
};

/// Scale and shift of the running statistics, laid out as `Saved`.
std::vector<float> frozen_affine(const BatchNormState& state) {
  const auto channels = static_cast<std::size_t>(state.weight.numel());
  std::vector<float> saved(2 * channels);
  for (std::size_t c = 0; c < channels; ++c) {
    const double scale = state.weight.data_ptr<float>()[c] /
                         std::sqrt(state.running_var.data_ptr<float>()[c] + state.epsilon);
    saved[kScale * channels + c] = static_cast<float>(scale);
    saved[kShift * channels + c] = static_cast<float>(
        state.bias.data_ptr<float>()[c] - state.running_mean.data_ptr<float>()[c] * scale);
  }
  return saved;
}

/// Of LibTorch's own operators: any device, any mode.
Tensor composed(const Tensor& x, BatchNormState& state, FusedActivation activation,
                const Tensor& residual, bool training) {
  Tensor y = torch::batch_norm(x, state.weight, state.bias, state.running_mean, state.running_var,
                               training, kBatchNormMomentum, state.epsilon, /*cudnn_enabled=*/true);
  if (residual.defined()) y = y + residual;
  switch (activation) {
    case FusedActivation::kNone:
      return y;
    case FusedActivation::kRelu:
      return torch::relu(y);
    case FusedActivation::kRelu6:
      return torch::hardtanh(y, 0, 6);
    case FusedActivation::kHardSwish:
      return torch::hardswish(y);
  }
  return y;
}

}  // namespace

Tensor batch_norm_act(const Tensor& x, BatchNormState& state, FusedActivation activation,
                      const Tensor& residual, bool training, bool overwrite) {
  if (residual.defined() && activation == FusedActivation::kHardSwish) {
    return torch::hardswish(
        batch_norm_act(x, state, FusedActivation::kNone, residual, training, overwrite));
  }
  const auto fused = [&]<typename Value>() {
    if (training) {
      // An undefined tensor is no argument of a Function; an empty optional is.
      const auto term =
          residual.defined() ? TorchOptional<Tensor>(residual) : TorchOptional<Tensor>();
      return TrainBatchNormAct<Value>::apply(x, state.weight, state.bias, term, state.running_mean,
                                             state.running_var, state.epsilon,
                                             static_cast<std::int64_t>(activation));
    }
    const std::vector<float> saved = frozen_affine(state);
    const Tensor rows = as_rows(x);
    Tensor y = overwrite ? rows : torch::empty_like(rows);
    apply_affine<Value>(rows, saved.data(), activation,
                        residual.defined() ? as_rows(residual) : Tensor(), y);
    return y;
  };
  if (x.device().is_cpu() && (training || !torch::GradMode::is_enabled())) {
    if (x.scalar_type() == torch::kFloat) return fused.template operator()<float>();
    if (x.scalar_type() == torch::kBFloat16) return fused.template operator()<Bfloat16>();
  }
  return composed(x, state, activation, residual, training);
}

}  // namespace hwnas::nn
