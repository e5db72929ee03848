#pragma once

#include <torch/torch.h>

#include <vector>

#include "ir/quantization.hpp"
#include "ir/weights.hpp"
#include "nn/module_torch.hpp"
#include "train/optimizer_torch.hpp"

namespace hwnas::train {

/// The steps of all tensors and weights, as leaves whose gradients add up in one flat vector.
class StepSizes {
 public:
  /// Fixed tensors and binary weights are not learned.
  StepSizes(const ir::NetworkScales& start, const TrainOptions& options, torch::Device device);

  const torch::Tensor& of_tensor(int tensor) const { return tensors_[tensor]; }
  /// One value an output channel, or one for all; undefined for layers without weights.
  const torch::Tensor& of_weights(int layer) const { return weights_[layer]; }

  /// Applies the accumulated gradients and zeroes them.
  void step(double learning_rate);
  /// Writes the steps into the scales that they were made from.
  void save(ir::NetworkScales& scales) const;

 private:
  torch::Tensor start_;      ///< all steps
  torch::Tensor relative_;   ///< what the optimizer sees: the steps over their start
  torch::Tensor steps_;      ///< start · relative; tensors_ and weights_ are parts of it
  torch::Tensor gradients_;  ///< with respect to steps_
  FlatOptimizer optimizer_;
  std::vector<torch::Tensor> tensors_;
  std::vector<torch::Tensor> weights_;
};

/// A network whose weights and activations are fake-quantized on the way. Not thread-safe.
class QuantizedModule {
 public:
  /// Throws InvalidArgument if weights or scales do not fit the network.
  QuantizedModule(const ir::FoldedNetwork& network, const ir::NetworkScales& scales,
                  const TrainOptions& options, torch::Device device);
  QuantizedModule(const QuantizedModule&) = delete;  // the hooks refer to it
  QuantizedModule& operator=(const QuantizedModule&) = delete;

  torch::Tensor forward(const torch::Tensor& images) { return module_.forward(images); }
  /// Weights and step sizes by their gradients, which are zeroed.
  void step(double learning_rate);

  /// Weights on their grids.
  ir::Weights weights() const;
  ir::NetworkScales scales() const;

 private:
  nn::LayerHooks hooks();
  torch::Tensor quantize(int tensor, const torch::Tensor& x,
                         std::optional<ir::ActivationKind> clamp = std::nullopt) const;
  /// Whether the layer only moves values of its output's quantization.
  bool moves_values(int layer) const;

  ir::Network network_;
  ir::NetworkScales scales_;
  nn::NetworkModule module_;
  FlatOptimizer optimizer_;
  StepSizes steps_;
};

}  // namespace hwnas::train
