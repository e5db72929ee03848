#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "core/config.hpp"
#include "data/dataset.hpp"
#include "ir/network.hpp"
#include "ir/weights.hpp"

namespace hwnas::train {

enum class Optimizer { kSgd, kAdamW };

/// Random changes of training images, drawn for a whole batch at once.
struct Augmentation {
  int crop_padding = 0;  ///< pixels of zero padding, then a random crop of the original size
  bool flip = false;     ///< horizontal, with probability 1/2
  int erase_size = 0;    ///< side of a square set to the mean at a random place; 0: none
};

/// What activations and their gradients are kept as in training, and activations when a supernet
/// scores. Parameters, their gradients, the loss and all other evaluation are float32.
enum class TrainPrecision {
  kFloat32,
  /// Where the processor computes with them (AVX512-BF16, CUDA); elsewhere as kFloat32.
  kBfloat16
};

/// How a network is trained. Read from YAML by train_options_from_config.
struct TrainOptions {
  int epochs = 3;
  int batch_size = 128;
  Optimizer optimizer = Optimizer::kSgd;
  double learning_rate = 0.1;  ///< peak
  double momentum = 0.9;       ///< SGD (Nesterov)
  double weight_decay = 5e-4;  ///< convolution and linear weights only
  double warmup_epochs = 0.5;  ///< linear from 0; then cosine to 0 at the end
  double label_smoothing = 0;
  Augmentation augmentation = {};
  TrainPrecision precision = TrainPrecision::kFloat32;
  std::string device = "cpu";  ///< or "cuda", "cuda:1"
  int threads = 1;             ///< intra-op threads of this training
};
/// Reads the keys of train_option_names() from a map that may hold others; absent ones keep
/// `defaults`.
TrainOptions train_options_from_config(const Config& config, TrainOptions defaults = {});
/// The YAML keys of TrainOptions.
const std::vector<std::string>& train_option_names();
/// Equal for options that train the same weights: all of them but device and threads.
std::string to_string(const TrainOptions& options);

/// What is known after an epoch.
struct EpochResult {
  int epoch = 0;  ///< 1 .. epochs
  double train_loss = 0;
  double validation_loss = 0;
  double validation_top1 = 0;  ///< percent
  double seconds = 0;          ///< since the start of training
};

enum class TrainOutcome { kComplete, kDiverged, kHopeless, kCancelled };

struct TrainResult {
  TrainOutcome outcome = TrainOutcome::kComplete;
  std::vector<EpochResult> epochs;
  ir::Weights weights;  ///< after the last finished epoch
  std::string reason;   ///< why not kComplete
  double validation_top1() const { return epochs.empty() ? 0 : epochs.back().validation_top1; }
};

/// A trained network whose outputs another one learns from.
struct Teacher {
  ir::Network network;
  ir::Weights weights;
};

/// What a training starts from, and learns from beside the labels.
struct TrainStart {
  std::optional<ir::Weights> weights = {};  ///< absent: fresh ones, drawn by the seed
  const Teacher* teacher = nullptr;         ///< outlives the training
  /// λ in 0..1 of the loss (1 − λ)·cross-entropy + λ·T²·KL(teacher ‖ network), with T = 2: see
  /// train/distillation_torch.hpp.
  double distillation_weight = 0.5;
};

/// Called after every epoch; returning false ends the training as kHopeless.
using EpochCallback = std::function<bool(const EpochResult&)>;

/// What a training reads. The data set outlives the call; several trainings share it.
struct TrainData {
  const data::Dataset* dataset = nullptr;
  std::span<const std::size_t> train;
  std::span<const std::size_t> validation;
  data::Normalisation normalisation;
};

/// Trains from `start` and evaluates on the validation samples after every epoch. Deterministic in
/// (network, data, options, seed) on one machine with threads = 1. Every random number comes from a
/// generator of this call: concurrent trainings do not disturb each other. Thread-safe. A loss that
/// is not finite ends it as kDiverged; `stop` as kCancelled, after the running epoch.
TrainResult train_network(const ir::Network& network, const TrainData& data,
                          const TrainOptions& options, std::uint64_t seed,
                          const TrainStart& start = {}, const EpochCallback& on_epoch = {},
                          std::stop_token stop = {});

/// Top-1 in percent, and the predicted class of each sample.
struct Evaluation {
  double top1 = 0;
  double loss = 0;
  std::vector<int> predictions;
};
Evaluation evaluate_network(const ir::Network& network, const ir::Weights& weights,
                            const data::Dataset& dataset, std::span<const std::size_t> samples,
                            const data::Normalisation& normalisation,
                            const std::string& device = "cpu", int threads = 1);

/// Must be called once by each program before the first training: sets the pools of LibTorch so
/// that `workers` concurrent trainings of `threads` threads never use more than the cores.
void set_worker_threads(int workers, int threads);

}  // namespace hwnas::train
