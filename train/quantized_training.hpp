#pragma once

#include "ir/quantization.hpp"
#include "train/trainer.hpp"

namespace hwnas::train {

/// How a quantized network is trained further. The optimizer serves weights and steps alike.
struct QuantizedTrainOptions {
  TrainOptions training = {
      .epochs = 2, .learning_rate = 0.01, .weight_decay = 1e-5, .warmup_epochs = 0.1};
  double distillation_weight = 0.5;       ///< λ in 0..1; 0: labels alone
  double distillation_temperature = 2.0;  ///< T > 0
};

/// `weights` lie on the grids of `scales`: whichever way halves are rounded, ⌊weight/scale⌉ is the
/// integer that was simulated, and within the format's range. Biases are float: that they will be
/// rounded, to steps as fine as the accumulator's, is not simulated.
struct QuantizedTrainResult : TrainResult {
  ir::NetworkScales scales;
};

/// Quantization-aware training of a float network, from weights and scales that a calibration
/// found.
///
/// Convolution and linear weights, the network's input, and the output of every layer that writes a
/// tensor are rounded as `start` says (train/fake_quantize_torch.hpp), and their steps are learned
/// with the weights (LSQ), but not those of fixed tensors, nor of binary weights, whose scale is
/// the mean of their magnitudes. Zero points stay. A ReLU or ReLU6 clamps in the rounding of its
/// own output. Layers that only move values (maximum pooling, concatenation, flatten, pad) are not
/// rounded again where their inputs have the quantization of their output.
///
/// The loss is (1 − λ)·cross-entropy + λ·T²·KL(teacher ‖ student), both softened by T in the second
/// term (Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network", 2015, section
/// 2). The teacher is the float network with the weights given; it sees the same augmented images.
/// A softmax that ends the network is left out of both.
///
/// A step's optimizer sees it in units of its start, so that AdamW changes all of them alike; under
/// SGD that is the same as LSQ's own update. Steps stay above a hundredth of their start.
///
/// Determinism, threads, validation after every epoch, stop and outcomes are train_network's;
/// validation_top1 is that of the quantized network. Throws InvalidArgument if weights or scales do
/// not fit the network, naming the layer.
QuantizedTrainResult train_quantized(const ir::FoldedNetwork& network,
                                     const ir::NetworkScales& start, const TrainData& data,
                                     const QuantizedTrainOptions& options, std::uint64_t seed,
                                     const EpochCallback& on_epoch = {}, std::stop_token stop = {});

/// Accuracy of the same simulation without training. A check: the judge of a quantized network is
/// compression::IntegerExecutor, which rounds as a target does.
Evaluation evaluate_quantized(const ir::FoldedNetwork& network, const ir::NetworkScales& scales,
                              const data::Dataset& dataset, std::span<const std::size_t> samples,
                              const data::Normalisation& normalisation,
                              const std::string& device = "cpu", int threads = 1);

}  // namespace hwnas::train
