#pragma once

#include "compression/layer_inputs.hpp"

/// Changes to the float weights and biases of a lowered network that make its rounding cost less.
namespace hwnas::compression {

/// Cross-layer equalization (Nagel et al., "Data-Free Quantization Through Weight Equalization and
/// Bias Correction", 2019, section 4.1): where one layer with weights feeds another through relus,
/// poolings and paddings alone, channels are scaled so that both layers have the same range in
/// each; repeated until nothing changes. The same function up to float rounding. Returns the number
/// of pairs equalized. ReLU6 is not crossed: it would have to become a relu, another function.
int equalize(ir::FoldedNetwork& network);

/// Bias correction (same paper, section 4.2, with measured means): what rounding its weights adds
/// to the mean of a layer's output is taken off its bias.
void correct_biases(ir::FoldedNetwork& network, const ir::NetworkScales& scales,
                    const std::map<std::string, InputMoments>& inputs);

/// Replaces the weights of a layer by multiples of their scales, each rounded up or down so that
/// the layer's output changes least on the samples: AdaRound's objective (Nagel et al., "Up or
/// Down? Adaptive Rounding for Post-Training Quantization", 2020, eq. 13: Δw·E[x·xᵀ]·Δwᵀ). It is a
/// quadratic in the choices, and solved by coordinate descent from the nearest integers until no
/// single choice improves it; the paper relaxes it and follows gradients instead. Layers without
/// Gram matrices and binary ones keep their weights. Returns the objective's ratio to that of the
/// nearest integers, averaged over layers.
double round_adaptively(ir::FoldedNetwork& network, const ir::NetworkScales& scales,
                        const std::map<std::string, InputMoments>& inputs);

}  // namespace hwnas::compression
