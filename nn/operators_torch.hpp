#pragma once

#include <torch/torch.h>

#include <type_traits>

#include "ir/network.hpp"
#include "nn/kernels.hpp"

namespace hwnas::nn {

/// Densely packed: N x C x H x W in channels-last order, or N x C row by row.
torch::Tensor as_rows(const torch::Tensor& x);

/// The elements of a dense CPU tensor of float32 (Value = float) or bfloat16 (Value = Bfloat16).
template <typename Value>
Value* values_of(const torch::Tensor& tensor) {
  if constexpr (std::is_same_v<Value, float>) {
    return tensor.data_ptr<float>();
  } else {
    return reinterpret_cast<Value*>(tensor.data_ptr<at::BFloat16>());
  }
}

// The operators of ir on tensors N x C x H x W; all differentiable. Weights are float32 and are
// converted where the activations are bfloat16.

torch::Tensor run_conv2d(const ir::Conv2d& conv, const torch::Tensor& x,
                         const torch::Tensor& weight, const torch::Tensor& bias);
torch::Tensor run_pool(const ir::Pool& pool, const torch::Tensor& x);
torch::Tensor run_activation(ir::ActivationKind kind, const torch::Tensor& x);
torch::Tensor run_pad(const ir::Padding& padding, const torch::Tensor& x, double value = 0);

}  // namespace hwnas::nn
