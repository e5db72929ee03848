#pragma once

#include <torch/torch.h>

#include "ir/network.hpp"

namespace hwnas::nn {

/// Densely packed: N x C x H x W in channels-last order, or N x C row by row.
torch::Tensor as_rows(const torch::Tensor& x);

// The operators of ir on tensors N x C x H x W; all differentiable.

torch::Tensor run_conv2d(const ir::Conv2d& conv, const torch::Tensor& x,
                         const torch::Tensor& weight, const torch::Tensor& bias);
torch::Tensor run_pool(const ir::Pool& pool, const torch::Tensor& x);
torch::Tensor run_activation(ir::ActivationKind kind, const torch::Tensor& x);
torch::Tensor run_pad(const ir::Padding& padding, const torch::Tensor& x, double value = 0);

}  // namespace hwnas::nn
