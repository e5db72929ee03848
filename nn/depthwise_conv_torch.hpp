#pragma once

#include <torch/torch.h>

#include "ir/network.hpp"

namespace hwnas::nn {

/// Whether depthwise_conv runs it: one filter a channel, a kernel of 3x3, 5x5 or 7x7 not dilated,
/// strides of 1 or 2, x in float32 or bfloat16 on the CPU.
bool runs_depthwise(const ir::Conv2d& conv, const torch::Tensor& x);

/// The convolution of x (N x C x H x W, channels-last or converted), padding included, without its
/// bias; differentiable in x and weight (C x 1 x k x k, float32). oneDNN takes up to ten times as
/// long for the weight's gradient (docs/training_speed.md).
torch::Tensor depthwise_conv(const ir::Conv2d& conv, const torch::Tensor& x,
                             const torch::Tensor& weight);

}  // namespace hwnas::nn
