#pragma once

#include <torch/torch.h>

#include <optional>

#include "ir/network.hpp"
#include "ir/quantization.hpp"

/// Fake quantization: float tensors that hold only values of a grid, with gradients as if they were
/// not rounded. Rounding is to nearest, halves to even.
///
/// Steps are learned by LSQ (Esser et al., "Learned Step Size Quantization", 2020, arXiv
/// 1902.08153): with v = x/s, ∂y/∂s is ⌊v⌉ − v inside the range and the bound outside (equation 3);
/// x's gradient passes inside the range and not outside (equation 5); the step's gradient is
/// multiplied by 1/√(N·Q), with N values sharing the step and Q the range's larger bound (section
/// 2.2).
///
/// On the CPU in float32 each is one pass over the tensor either way; elsewhere they are composed
/// of LibTorch's operators. Thread-safe.
namespace hwnas::train {

/// y = s·⌊clamp(x/s, lowest − zero point, highest − zero point)⌉ after the clamping activation
/// (ReLU or ReLU6) if there is one. `step` holds s, one value; N is the number of values of one
/// sample. x is N x C x H x W or N x C. Zero point and bits are those of `quantization`, its scale
/// is not read.
torch::Tensor fake_quantize_activation(const torch::Tensor& x, const torch::Tensor& step,
                                       const ir::Quantization& quantization,
                                       std::optional<ir::ActivationKind> clamp = std::nullopt);

/// Weights in the format's range; `steps` has one value an output channel, or one for all.
///
/// Ternary weights are LSQ's with the range −1..1, which splits at s/2 (Li and Liu, "Ternary Weight
/// Networks", 2016, arXiv 1605.04711, split at 0.7·mean|w|: of normal weights and the best s the
/// same to within a tenth). Binary ones are α·sign(w), α = mean|w| of the channel, or of all, with
/// sign(0) = 1 (Rastegari et al., "XNOR-Net", 2016, arXiv 1603.05279, equation 6): their steps are
/// not read. Deviation: their gradient passes where |w| <= 2α, not |w| <= 1, for folded batch norms
/// give weights any size.
torch::Tensor fake_quantize_weight(const torch::Tensor& weight, const torch::Tensor& steps,
                                   ir::WeightFormat format);

/// α of binary weights, one value an output channel, or one for all.
torch::Tensor binary_scales(const torch::Tensor& weight, bool per_channel);

}  // namespace hwnas::train
