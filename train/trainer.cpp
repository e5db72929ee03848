#include "train/trainer.hpp"

#include <torch/torch.h>

#include "core/rng.hpp"
#include "ir/initial_weights.hpp"
#include "nn/module_torch.hpp"
#include "train/distillation_torch.hpp"
#include "train/optimizer_torch.hpp"
#include "train/training_loop_torch.hpp"

namespace hwnas::train {
namespace {

using torch::Tensor;

constexpr std::uint64_t kWeightsStream = 1;  // of the training's seed
constexpr double kTemperature = 2;

class FloatLearner : public Learner {
 public:
  FloatLearner(const ir::Network& network, const TrainOptions& options, const ir::Weights& initial,
               const TrainStart& start)
      : module_(network, parse_device(options.device)),
        optimizer_((module_.load(initial), module_), options),
        label_smoothing_(options.label_smoothing),
        distillation_weight_(start.distillation_weight) {
    if (start.teacher == nullptr) return;
    teacher_.emplace(start.teacher->network, parse_device(options.device));
    teacher_->load(start.teacher->weights);
    teacher_->eval();
  }

  Tensor accumulate(const Batch& batch) override {
    const Tensor loss = loss_of(batch);
    loss.backward();
    return loss.detach();
  }
  void step(double learning_rate) override { optimizer_.step(learning_rate); }
  Tensor logits(const Tensor& images) override {
    module_.eval();
    return module_.forward(images);
  }
  ir::Weights weights() const { return module_.save(); }

 private:
  Tensor loss_of(const Batch& batch) {
    module_.train();
    const Tensor logits = module_.forward(batch.images);
    const Tensor labels_loss = torch::cross_entropy_loss(
        logits, batch.labels, {}, at::Reduction::Mean, -100, label_smoothing_);
    if (!teacher_) return labels_loss;
    return (1 - distillation_weight_) * labels_loss +
           distillation_weight_ *
               distillation_loss(logits, teacher_logits(batch.images), kTemperature);
  }

  Tensor teacher_logits(const Tensor& images) {
    const torch::NoGradGuard no_grad;
    return teacher_->forward(images);
  }

  nn::NetworkModule module_;
  FlatOptimizer optimizer_;
  double label_smoothing_;
  double distillation_weight_;
  std::optional<nn::NetworkModule> teacher_;
};

}  // namespace

TrainResult train_network(const ir::Network& network, const TrainData& data,
                          const TrainOptions& options, std::uint64_t seed, const TrainStart& start,
                          const EpochCallback& on_epoch, std::stop_token stop) {
  require_data(network, data);
  const TrainingThreads threads(options.threads);
  const OwnStream stream(parse_device(options.device));
  FloatLearner learner(network, options,
                       start.weights
                           ? *start.weights
                           : ir::initial_weights(network, derive_seed(seed, {kWeightsStream})),
                       start);
  TrainResult result = run_epochs(learner, data, options, seed, on_epoch, stop);
  result.weights = learner.weights();
  return result;
}

Evaluation evaluate_network(const ir::Network& network, const ir::Weights& weights,
                            const data::Dataset& dataset, std::span<const std::size_t> samples,
                            const data::Normalisation& normalisation,
                            const std::string& device_name, int thread_count) {
  const TrainingThreads threads(thread_count);
  const torch::Device device = parse_device(device_name);
  const OwnStream stream(device);
  nn::NetworkModule module(network, device);
  module.load(weights);
  module.eval();
  BatchLoader loader(dataset, normalisation, device, kEvaluationBatch);
  return evaluate([&](const Tensor& images) { return module.forward(images); }, loader, samples);
}

}  // namespace hwnas::train
