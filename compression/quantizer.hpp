#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "compression/calibrator.hpp"
#include "ir/quantized_network.hpp"
#include "ir/weights.hpp"

namespace hwnas::compression {

/// Inputs of a network, made one at a time: channels x height x width, normalised.
struct Samples {
  std::size_t count = 0;
  std::function<std::vector<float>(std::size_t index)> at;
};

/// The network as integers can express it: dead layers removed, batch norms folded, every
/// convolution and linear layer with a bias, additions of more than two terms as chains. The same
/// function. Throws InvalidArgument naming the layer for what has no integer kernel (ir::Zero).
ir::FoldedNetwork lowered(const ir::Network& network, const ir::Weights& weights);

/// Weight format and activation bits of layers; those not named have the default.
struct BitWidths {
  ir::WeightFormat default_format = ir::WeightFormat::kInt8;
  int activation_bits = 8;
  std::map<std::string, ir::WeightFormat> formats = {};  ///< by layer name
};

/// Which tensors there are, which layers share one, and which are fixed; scales are still 1.
/// `network` is a lowered one. A convolution, linear layer, addition or product that only a relu or
/// relu6 reads is fused with it; so is a convolution or linear layer with a hard sigmoid. Throws
/// InvalidArgument where an operator wants two tensors to agree that cannot.
ir::NetworkScales plan_scales(const ir::Network& network, const BitWidths& widths);

/// Values of every tensor of a plan over all samples. Memory: one histogram a tensor, besides that
/// of one inference.
std::vector<Histogram> observe(const ir::FoldedNetwork& network, const ir::NetworkScales& plan,
                               const Samples& samples);

/// A plan's scales: of tensors from what was observed, of weights from the weights (symmetric; by
/// output channel for convolutions, as a whole for linear layers; of less than 8 bits with the
/// least squared error).
ir::NetworkScales calibrated(const ir::FoldedNetwork& network, ir::NetworkScales plan,
                             const std::vector<Histogram>& observed, std::string_view calibrator);

/// Sets the weight scales of one layer for its format; for after a change of format.
void fit_weight_scales(const ir::Layer& layer, const ir::LayerWeights& weights,
                       ir::LayerScales& scales);

/// Rounds a network to integers: weights to the nearest, biases to the accumulator's scale. Weight
/// scales are raised where a bias would not fit otherwise.
///
/// Where TensorFlow Lite computes a factor in float32 and TensorFlow Lite Micro in float64
/// (products, lone relus), the output's scale is raised by units in the last place until both
/// give the same result for every input.
ir::QuantizedNetwork quantized(const ir::FoldedNetwork& network, const ir::NetworkScales& scales);

/// Nearest integers of a layer's weights.
std::vector<std::int8_t> rounded_weights(const ir::LayerWeights& weights,
                                         const ir::LayerScales& scales);

}  // namespace hwnas::compression
