#pragma once

#include <c10/core/StreamGuard.h>
#include <torch/torch.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "train/batches_torch.hpp"
#include "train/trainer.hpp"

/// What trainings of float and of quantized networks have in common.
namespace hwnas::train {

/// The device of that name. Throws FailedPrecondition where this LibTorch does not see it.
torch::Device parse_device(const std::string& name);

/// What TrainOptions::precision comes to on this machine.
at::ScalarType activation_type(const TrainOptions& options);

/// Throws InvalidArgument if the network does not take such samples, or there are none.
void require_data(const ir::Network& network, const TrainData& data);

/// The network without the softmax that may end it.
ir::FoldedNetwork up_to_logits(ir::FoldedNetwork network);

/// Sets the intra-op threads of the calling thread and has them treat subnormal floats as zero, for
/// its life. Momenta of dead channels decay by a tenth a step into the subnormals, where a
/// multiplication takes a hundred cycles: late epochs took up to twice as long as early ones.
class TrainingThreads {
 public:
  explicit TrainingThreads(int threads);
  ~TrainingThreads();
  TrainingThreads(const TrainingThreads&) = delete;
  TrainingThreads& operator=(const TrainingThreads&) = delete;
};

/// On a GPU, has what the calling thread asks for queue up on a stream of its own, for its life, so
/// that the GPU works for several threads at the same time. Waits for all of it at the end.
class OwnStream {
 public:
  explicit OwnStream(torch::Device device);
  ~OwnStream();
  OwnStream(const OwnStream&) = delete;
  OwnStream& operator=(const OwnStream&) = delete;

 private:
  std::optional<c10::StreamGuard> guard_;  // absent on a CPU
};

/// A model that can be trained and evaluated.
class Learner {
 public:
  virtual ~Learner() = default;
  /// Adds the gradients of a training batch's loss to those of the parameters; returns the mean
  /// over its samples, and over the networks that learn from it.
  virtual torch::Tensor accumulate(const Batch& batch) = 0;
  /// Changes the parameters by their gradients, and zeroes these.
  virtual void step(double learning_rate) = 0;
  /// N x classes; called without gradients.
  virtual torch::Tensor logits(const torch::Tensor& images) = 0;
};

/// Trains from `first_epoch` to options.epochs and validates after every one, as train_network
/// says. The result has no weights.
TrainResult run_epochs(Learner& learner, const TrainData& data, const TrainOptions& options,
                       std::uint64_t seed, const EpochCallback& on_epoch,
                       const std::stop_token& stop, int first_epoch = 1);

/// Accuracy and mean loss over `samples`.
Evaluation evaluate(const std::function<torch::Tensor(const torch::Tensor& images)>& logits,
                    BatchLoader& loader, std::span<const std::size_t> samples);

/// Samples that evaluate() asks the loader for at a time: few enough for activations to stay in the
/// caches.
inline constexpr std::size_t kEvaluationBatch = 50;

}  // namespace hwnas::train
