#pragma once

#include <torch/torch.h>

#include "nn/kernels.hpp"

namespace hwnas::nn {

/// Share of the new batch in running statistics (PyTorch's default).
inline constexpr double kBatchNormMomentum = 0.1;

/// Batch norm's learned and tracked values, each of `channels` floats.
struct BatchNormState {
  torch::Tensor weight;
  torch::Tensor bias;
  torch::Tensor
      running_mean;  ///< updated in training by kBatchNormMomentum, unbiased variance (PyTorch's)
  torch::Tensor running_var;
  double epsilon = 1e-5;
};

/// activation(batch_norm(x) + residual), differentiable in x, weight, bias and residual.
///
/// x is N x C x H x W (channels-last on the CPU, else it is converted) or N x C; `residual` has x's
/// shape or is undefined. On the CPU in float32 or bfloat16 this is one custom function that reads
/// each tensor once a pass and keeps nothing but x (and y where a residual was added) for the
/// backward pass; elsewhere it is composed of LibTorch's operators. Without gradients and not in
/// training, `overwrite` lets the result take the place of x.
torch::Tensor batch_norm_act(const torch::Tensor& x, BatchNormState& state,
                             FusedActivation activation, const torch::Tensor& residual,
                             bool training, bool overwrite = false);

}  // namespace hwnas::nn
