#include <ATen/Parallel.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "core/error.hpp"
#include "core/rng.hpp"
#include "nn/kernels.hpp"
#include "train/optimizer_torch.hpp"
#include "train/training_loop_torch.hpp"

namespace hwnas::train {
namespace {

using Clock = std::chrono::steady_clock;
using torch::Tensor;

constexpr std::uint64_t kEpochStream = 2;  // of the training's seed; 1 draws the weights
constexpr std::size_t kStepsBetweenLooks = 50;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

void flush_subnormals(bool flush) {
  at::parallel_for(0, at::get_num_threads(), 1, [flush](std::int64_t, std::int64_t) {
    at::globalContext().setFlushDenormal(flush);
  });
}

/// The passes over the training samples.
class Epochs {
 public:
  Epochs(Learner& learner, const TrainData& data, const TrainOptions& options, std::uint64_t seed,
         BatchLoader& loader)
      : learner_(learner),
        data_(data),
        options_(options),
        seed_(seed),
        loader_(loader),
        activations_(activation_type(options)),
        order_(data.train.begin(), data.train.end()),
        batch_size_(std::min<std::size_t>(options.batch_size, order_.size())) {}

  /// Mean loss of the epoch; not finite if it diverged.
  double run(int epoch) {
    Rng rng(derive_seed(seed_, {kEpochStream, static_cast<std::uint64_t>(epoch)}));
    std::copy(data_.train.begin(), data_.train.end(), order_.begin());
    rng.shuffle(std::span(order_));
    const std::size_t steps = order_.size() / batch_size_;
    Tensor loss_sum;
    const auto start = [&](std::size_t step) {
      const auto samples = std::span(order_).subspan(step * batch_size_, batch_size_);
      loader_.start(samples, options_.augmentation, rng);
    };
    start(0);
    for (std::size_t step = 0; step < steps; ++step) {
      const Batch batch = loader_.take();
      if (step + 1 < steps) start(step + 1);
      const Tensor loss = step_on(batch, (epoch - 1) * steps + step, steps);
      loss_sum = step == 0 ? loss : loss_sum + loss;
      // On a GPU reading a value waits for it, so that is done now and then only.
      const bool look = loss.device().is_cpu() || step % kStepsBetweenLooks == 0;
      if (look && !std::isfinite(loss.item<float>())) return loss.item<float>();
    }
    return loss_sum.item<double>() / double(steps);
  }

 private:
  Tensor step_on(const Batch& batch, std::size_t step, std::size_t steps_per_epoch) {
    const Tensor loss = learner_.accumulate({batch.images.to(activations_), batch.labels});
    learner_.step(learning_rate_at(options_, static_cast<std::int64_t>(step),
                                   static_cast<std::int64_t>(steps_per_epoch)));
    return loss;
  }

  Learner& learner_;
  const TrainData& data_;
  const TrainOptions& options_;
  std::uint64_t seed_;
  BatchLoader& loader_;
  at::ScalarType activations_;
  std::vector<std::size_t> order_;
  std::size_t batch_size_;
};

}  // namespace

torch::Device parse_device(const std::string& name) {
  const torch::Device device(name);
  if (device.is_cuda() && !torch::cuda::is_available()) {
    throw error(ErrorCode::kFailedPrecondition,
                "device '{}': this LibTorch sees no CUDA device; use device: cpu, or a CUDA build",
                name);
  }
  return device;
}

at::ScalarType activation_type(const TrainOptions& options) {
  const bool native = parse_device(options.device).is_cuda() || nn::computes_bfloats();
  return options.precision == TrainPrecision::kBfloat16 && native ? torch::kBFloat16
                                                                  : torch::kFloat;
}

void require_data(const ir::Network& network, const TrainData& data) {
  if (network.input != data.dataset->shape) {
    const auto& a = network.input;
    const auto& b = data.dataset->shape;
    throw invalid_argument(
        "the network takes {}x{}x{} (channels x height x width), the data are {}x{}x{}", a.channels,
        a.height, a.width, b.channels, b.height, b.width);
  }
  if (data.train.empty() || data.validation.empty()) {
    throw invalid_argument("training needs samples: {} for training, {} for validation were given",
                           data.train.size(), data.validation.size());
  }
}

ir::FoldedNetwork up_to_logits(ir::FoldedNetwork network) {
  auto& layers = network.network.layers;
  if (!layers.empty() && std::holds_alternative<ir::Softmax>(layers.back().op)) layers.pop_back();
  return network;
}

TrainingThreads::TrainingThreads(int threads) {
  // Setting them makes LibTorch start threads anew.
  if (at::get_num_threads() != threads) at::set_num_threads(threads);
  flush_subnormals(true);
}

TrainingThreads::~TrainingThreads() {
  flush_subnormals(false);
}

OwnStream::OwnStream(torch::Device device) {
  if (device.is_cpu()) return;
  guard_.emplace(c10::impl::VirtualGuardImpl(device.type()).getStreamFromGlobalPool(device));
}

OwnStream::~OwnStream() {
  if (guard_) guard_->current_stream().synchronize();
}

TrainResult run_epochs(Learner& learner, const TrainData& data, const TrainOptions& options,
                       std::uint64_t seed, const EpochCallback& on_epoch,
                       const std::stop_token& stop, int first_epoch) {
  const auto start = Clock::now();
  const auto largest = std::max<std::size_t>(options.batch_size, kEvaluationBatch);
  BatchLoader loader(*data.dataset, data.normalisation, parse_device(options.device), largest);
  Epochs epochs(learner, data, options, seed, loader);
  TrainResult result;
  const auto end_as = [&](TrainOutcome outcome, std::string reason) {
    result.outcome = outcome;
    result.reason = std::move(reason);
    return result;
  };
  for (int epoch = first_epoch; epoch <= options.epochs; ++epoch) {
    const double train_loss = epochs.run(epoch);
    if (!std::isfinite(train_loss)) {
      return end_as(TrainOutcome::kDiverged, fmt::format("loss {} in epoch {}", train_loss, epoch));
    }
    const Evaluation validation = evaluate(
        [&](const Tensor& images) { return learner.logits(images); }, loader, data.validation);
    result.epochs.push_back(
        {epoch, train_loss, validation.loss, validation.top1, seconds_since(start)});
    if (on_epoch && !on_epoch(result.epochs.back())) {
      return end_as(TrainOutcome::kHopeless, fmt::format("given up after epoch {}", epoch));
    }
    if (stop.stop_requested() && epoch < options.epochs) {
      return end_as(TrainOutcome::kCancelled, fmt::format("cancelled after epoch {}", epoch));
    }
  }
  return end_as(TrainOutcome::kComplete, "");
}

Evaluation evaluate(const std::function<Tensor(const Tensor& images)>& logits_of,
                    BatchLoader& loader, std::span<const std::size_t> samples) {
  const torch::NoGradGuard no_grad;
  double loss_sum = 0;
  std::int64_t correct = 0;
  Evaluation result;
  result.predictions.reserve(samples.size());
  for (std::size_t first = 0; first < samples.size(); first += kEvaluationBatch) {
    const auto part = samples.subspan(first, std::min(kEvaluationBatch, samples.size() - first));
    const Batch batch = loader.load(part);
    const Tensor logits = logits_of(batch.images);
    loss_sum += torch::nll_loss(torch::log_softmax(logits, 1), batch.labels, {}, at::Reduction::Sum)
                    .item<double>();
    const Tensor predicted = logits.argmax(1).to(torch::kCPU);
    const Tensor labels = batch.labels.to(torch::kCPU);
    for (std::int64_t i = 0; i < predicted.size(0); ++i) {
      const auto guess = predicted.data_ptr<std::int64_t>()[i];
      result.predictions.push_back(static_cast<int>(guess));
      correct += guess == labels.data_ptr<std::int64_t>()[i];
    }
  }
  const auto count = static_cast<double>(samples.size());
  result.top1 = 100 * static_cast<double>(correct) / count;
  result.loss = loss_sum / count;
  return result;
}

}  // namespace hwnas::train
