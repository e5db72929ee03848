#include "train/trainer.hpp"

#include <ATen/Parallel.h>
#include <torch/torch.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "core/error.hpp"
#include "core/rng.hpp"
#include "nn/initial_weights.hpp"
#include "nn/module_torch.hpp"
#include "train/batches_torch.hpp"
#include "train/optimizer_torch.hpp"

namespace hwnas::train {
namespace {

using Clock = std::chrono::steady_clock;
using torch::Tensor;

constexpr std::size_t kEvaluationBatch = 250;
// Streams of the trial's seed.
constexpr std::uint64_t kWeightsStream = 1;
constexpr std::uint64_t kEpochStream = 2;

torch::Device parse_device(const std::string& name) {
  const torch::Device device(name);
  if (device.is_cuda() && !torch::cuda::is_available()) {
    throw error(ErrorCode::kFailedPrecondition,
                "device '{}': this LibTorch sees no CUDA device; use device: cpu, or a CUDA build",
                name);
  }
  return device;
}

/// Has this thread and its intra-op threads treat subnormal floats as zero. Momenta of dead
/// channels decay by a tenth a step into the subnormals, where a multiplication takes a hundred
/// cycles: late epochs took up to twice as long as early ones.
class FlushSubnormals {
 public:
  FlushSubnormals() { set(true); }
  ~FlushSubnormals() { set(false); }
  FlushSubnormals(const FlushSubnormals&) = delete;
  FlushSubnormals& operator=(const FlushSubnormals&) = delete;

 private:
  static void set(bool flush) {
    at::parallel_for(0, at::get_num_threads(), 1, [flush](std::int64_t, std::int64_t) {
      at::globalContext().setFlushDenormal(flush);
    });
  }
};

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Sums of a pass over samples.
struct Pass {
  double loss_sum = 0;
  std::int64_t correct = 0;
  std::vector<int> predictions;
};

Pass evaluate(nn::NetworkModule& module, BatchLoader& loader,
              std::span<const std::size_t> samples) {
  const torch::NoGradGuard no_grad;
  module.eval();
  Pass pass;
  pass.predictions.reserve(samples.size());
  for (std::size_t first = 0; first < samples.size(); first += kEvaluationBatch) {
    const auto part = samples.subspan(first, std::min(kEvaluationBatch, samples.size() - first));
    const Batch batch = loader.load(part);
    const Tensor logits = module.forward(batch.images);
    pass.loss_sum +=
        torch::nll_loss(torch::log_softmax(logits, 1), batch.labels, {}, at::Reduction::Sum)
            .item<double>();
    const Tensor predicted = logits.argmax(1).to(torch::kCPU);
    const Tensor labels = batch.labels.to(torch::kCPU);
    for (std::int64_t i = 0; i < predicted.size(0); ++i) {
      const auto guess = predicted.data_ptr<std::int64_t>()[i];
      pass.predictions.push_back(static_cast<int>(guess));
      pass.correct += guess == labels.data_ptr<std::int64_t>()[i];
    }
  }
  return pass;
}

/// One training run: the module, its optimiser and its place in the schedule.
class Training {
 public:
  Training(const ir::Network& network, const TrainData& data, const TrainOptions& options,
           std::uint64_t seed, const ir::Weights& initial)
      : data_(data),
        options_(options),
        seed_(seed),
        device_(parse_device(options.device)),
        module_(network, device_),
        loader_(*data.dataset, data.normalisation, device_,
                std::max<std::size_t>(options.batch_size, kEvaluationBatch)),
        optimizer_((module_.load(initial), module_), options),
        order_(data.train.begin(), data.train.end()),
        batch_size_(std::min<std::size_t>(options.batch_size, order_.size())) {}

  /// Mean loss of the epoch; not finite if it diverged.
  double run_epoch(int epoch) {
    module_.train();
    Rng rng(derive_seed(seed_, {kEpochStream, static_cast<std::uint64_t>(epoch)}));
    std::copy(data_.train.begin(), data_.train.end(), order_.begin());
    rng.shuffle(std::span(order_));
    const std::size_t steps = order_.size() / batch_size_;
    Tensor loss_sum = torch::zeros({}, torch::TensorOptions(torch::kFloat).device(device_));
    for (std::size_t step = 0; step < steps; ++step) {
      const auto samples = std::span(order_).subspan(step * batch_size_, batch_size_);
      const Tensor loss = step_on(loader_.load(samples, options_.augmentation, rng),
                                  (epoch - 1) * steps + step, steps);
      loss_sum += loss;
      // On a GPU reading a value waits for it, so that is done now and then only.
      const bool look = device_.is_cpu() || step % kStepsBetweenLooks == 0;
      if (look && !std::isfinite(loss.item<float>())) return loss.item<float>();
    }
    return loss_sum.item<double>() / double(steps);
  }

  Pass validate() { return evaluate(module_, loader_, data_.validation); }
  ir::Weights weights() const { return module_.save(); }

 private:
  static constexpr std::size_t kStepsBetweenLooks = 50;

  Tensor step_on(const Batch& batch, std::size_t step, std::size_t steps_per_epoch) {
    const Tensor logits = module_.forward(batch.images);
    Tensor loss = torch::cross_entropy_loss(logits, batch.labels, {}, at::Reduction::Mean, -100,
                                            options_.label_smoothing);
    loss.backward();
    optimizer_.step(learning_rate_at(options_, static_cast<std::int64_t>(step),
                                     static_cast<std::int64_t>(steps_per_epoch)));
    return loss.detach();
  }

  const TrainData& data_;
  const TrainOptions& options_;
  std::uint64_t seed_;
  torch::Device device_;
  nn::NetworkModule module_;
  BatchLoader loader_;
  FlatOptimizer optimizer_;
  std::vector<std::size_t> order_;
  std::size_t batch_size_;
};

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

}  // namespace

TrainResult train_network(const ir::Network& network, const TrainData& data,
                          const TrainOptions& options, std::uint64_t seed,
                          const std::optional<ir::Weights>& initial, const EpochCallback& on_epoch,
                          std::stop_token stop) {
  require_data(network, data);
  at::set_num_threads(options.threads);
  const FlushSubnormals flush;
  const auto start = Clock::now();
  Training training(
      network, data, options, seed,
      initial ? *initial : nn::initial_weights(network, derive_seed(seed, {kWeightsStream})));
  TrainResult result;
  const auto end_as = [&](TrainOutcome outcome, std::string reason) {
    result.outcome = outcome;
    result.reason = std::move(reason);
    result.weights = training.weights();
    return result;
  };
  for (int epoch = 1; epoch <= options.epochs; ++epoch) {
    const double train_loss = training.run_epoch(epoch);
    if (!std::isfinite(train_loss)) {
      return end_as(TrainOutcome::kDiverged, fmt::format("loss {} in epoch {}", train_loss, epoch));
    }
    const Pass pass = training.validate();
    const auto count = static_cast<double>(data.validation.size());
    result.epochs.push_back({epoch, train_loss, pass.loss_sum / count,
                             100 * static_cast<double>(pass.correct) / count,
                             seconds_since(start)});
    if (on_epoch && !on_epoch(result.epochs.back())) {
      return end_as(TrainOutcome::kHopeless, fmt::format("given up after epoch {}", epoch));
    }
    if (stop.stop_requested() && epoch < options.epochs) {
      return end_as(TrainOutcome::kCancelled, fmt::format("cancelled after epoch {}", epoch));
    }
  }
  return end_as(TrainOutcome::kComplete, "");
}

Evaluation evaluate_network(const ir::Network& network, const ir::Weights& weights,
                            const data::Dataset& dataset, std::span<const std::size_t> samples,
                            const data::Normalisation& normalisation,
                            const std::string& device_name, int threads) {
  at::set_num_threads(threads);
  const FlushSubnormals flush;
  const torch::Device device = parse_device(device_name);
  nn::NetworkModule module(network, device);
  module.load(weights);
  BatchLoader loader(dataset, normalisation, device, kEvaluationBatch);
  Pass pass = evaluate(module, loader, samples);
  const auto count = static_cast<double>(samples.size());
  return {100 * static_cast<double>(pass.correct) / count, pass.loss_sum / count,
          std::move(pass.predictions)};
}

}  // namespace hwnas::train
