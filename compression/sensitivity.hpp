#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "compression/precision_space.hpp"
#include "ir/weights.hpp"

namespace hwnas::compression {

/// Outputs of one layer for a batch: samples x features, row-major.
struct LayerOutputs {
  std::size_t samples = 0;
  std::vector<float> values;
};

/// What sensitivities are made from; each needs some of it. Callbacks get a choice (an option for
/// each group of the space).
struct SensitivityInputs {
  /// Of the network quantized so, on held-out data; lower is better.
  std::function<double(const std::vector<int>& choice)> loss;
  /// Its outputs for a batch, always the same one.
  std::function<std::vector<float>(const std::vector<int>& choice)> outputs;
  /// Of the float network, one for each layer of the network with weights, by layer index; others
  /// may be empty. Of the same samples.
  std::vector<LayerOutputs> layer_outputs;
  const ir::Weights* weights = nullptr;  ///< of the space's network
  std::vector<double> hessian_traces;    ///< by layer: of the loss's Hessian, over the weights
  /// By layer: empirical Fisher information, one a weight in the order of its array.
  std::vector<std::vector<double>> fisher_diagonals;
};

struct SensitivityInfo {
  std::string_view name;
  std::string_view summary;
  SensitivityTable (*measure)(const PrecisionSpace& space, const SensitivityInputs& inputs);
};
/// - measured_loss: loss with one group at the option and the others at the first, less the loss
///   with all at the first. Groups x options runs.
/// - output_distance: mean squared distance of the outputs, in the same way. No labels.
/// - orthogonality: OMPQ (Ma et al., AAAI 2022, eqs. 3 to 5): −θ·(weight bits + activation bits)/2
///   with θ = exp(−10·γ) and γ the summed similarity of the group's layer outputs with all others'.
///   No labels, no quantized runs. (OMPQ gives both the same bits.)
/// - hessian: HAWQ-V3 (Yao et al. 2021, eq. 6): Hessian trace / weights · squared norm of the
///   weights' rounding errors.
/// - fisher: ½·Σ F·error², the Gauss-Newton term of the loss's Taylor series with the diagonal of
/// the
///   empirical Fisher information.
std::span<const SensitivityInfo> sensitivities();

/// Throws NotFound listing the names there are, InvalidArgument if `inputs` lacks what the method
/// needs.
SensitivityTable measure_sensitivity(std::string_view name, const PrecisionSpace& space,
                                     const SensitivityInputs& inputs);

/// What rounding a layer's weights to a format changes, with the quantizer's scales: one a weight.
std::vector<double> rounding_errors(const ir::Layer& layer, const ir::LayerWeights& weights,
                                    ir::WeightFormat format);

/// Similarity of two layers' outputs, 0 (orthogonal) to 1 (alike): ‖FⱼᵀFᵢ‖² / (‖FᵢᵀFᵢ‖·‖FⱼᵀFⱼ‖),
/// Frobenius norms.
double orthogonality(const LayerOutputs& a, const LayerOutputs& b);

}  // namespace hwnas::compression
