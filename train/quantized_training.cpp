#include "train/quantized_training.hpp"

#include <torch/torch.h>

#include "core/error.hpp"
#include "train/distillation_torch.hpp"
#include "train/quantized_module_torch.hpp"
#include "train/training_loop_torch.hpp"

namespace hwnas::train {
namespace {

using torch::Tensor;

/// Scales for the layers of a network that may have lost the softmax at its end.
ir::NetworkScales scales_of(const ir::FoldedNetwork& logits, const ir::FoldedNetwork& whole,
                            ir::NetworkScales scales) {
  if (scales.layers.size() == whole.network.layers.size()) {
    scales.layers.resize(logits.network.layers.size());
  }
  return scales;
}

class QuantizedLearner : public Learner {
 public:
  QuantizedLearner(const ir::FoldedNetwork& network, const ir::NetworkScales& start,
                   const QuantizedTrainOptions& options, torch::Device device)
      : options_(options),
        student_(network, start, options.training, device),
        teacher_(network.network, device) {
    teacher_.load(network.weights);
    teacher_.eval();
  }

  Tensor accumulate(const Batch& batch) override {
    const Tensor loss = loss_of(batch);
    loss.backward();
    return loss.detach();
  }
  void step(double learning_rate) override { student_.step(learning_rate); }
  Tensor logits(const Tensor& images) override { return student_.forward(images); }
  const QuantizedModule& student() const { return student_; }

 private:
  Tensor loss_of(const Batch& batch) {
    const Tensor logits = student_.forward(batch.images);
    const double weight = options_.distillation_weight;
    const Tensor labels_loss = torch::cross_entropy_loss(
        logits, batch.labels, {}, at::Reduction::Mean, -100, options_.training.label_smoothing);
    if (weight == 0) return labels_loss;
    return (1 - weight) * labels_loss +
           weight * distillation_loss(logits, teacher_logits(batch.images),
                                      options_.distillation_temperature);
  }

  Tensor teacher_logits(const Tensor& images) {
    const torch::NoGradGuard no_grad;
    return teacher_.forward(images);
  }

  const QuantizedTrainOptions& options_;
  QuantizedModule student_;
  nn::NetworkModule teacher_;
};

void require_options(const QuantizedTrainOptions& options) {
  if (!(options.distillation_weight >= 0 && options.distillation_weight <= 1)) {
    throw invalid_argument("distillation weight {}: give one in 0..1", options.distillation_weight);
  }
  if (!(options.distillation_temperature > 0)) {
    throw invalid_argument("distillation temperature {}: give one above 0",
                           options.distillation_temperature);
  }
}

}  // namespace

QuantizedTrainResult train_quantized(const ir::FoldedNetwork& network,
                                     const ir::NetworkScales& start, const TrainData& data,
                                     const QuantizedTrainOptions& options, std::uint64_t seed,
                                     const EpochCallback& on_epoch, std::stop_token stop) {
  require_data(network.network, data);
  require_options(options);
  const TrainingThreads threads(options.training.threads);
  const ir::FoldedNetwork logits = up_to_logits(network);
  QuantizedLearner learner(logits, scales_of(logits, network, start), options,
                           parse_device(options.training.device));
  QuantizedTrainResult result{run_epochs(learner, data, options.training, seed, on_epoch, stop),
                              {}};
  result.weights = learner.student().weights();
  result.scales = learner.student().scales();
  for (std::size_t i = result.scales.layers.size(); i < start.layers.size(); ++i) {
    result.scales.layers.push_back(start.layers[i]);
  }
  return result;
}

Evaluation evaluate_quantized(const ir::FoldedNetwork& network, const ir::NetworkScales& scales,
                              const data::Dataset& dataset, std::span<const std::size_t> samples,
                              const data::Normalisation& normalisation,
                              const std::string& device_name, int thread_count) {
  const TrainingThreads threads(thread_count);
  const torch::Device device = parse_device(device_name);
  const ir::FoldedNetwork logits = up_to_logits(network);
  QuantizedModule module(logits, scales_of(logits, network, scales), TrainOptions{}, device);
  BatchLoader loader(dataset, normalisation, device, kEvaluationBatch);
  return evaluate([&](const Tensor& images) { return module.forward(images); }, loader, samples);
}

}  // namespace hwnas::train
