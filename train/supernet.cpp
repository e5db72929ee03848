#include "train/supernet.hpp"

#include <fmt/format.h>

#include <future>
#include <numeric>

#include "core/error.hpp"
#include "core/executor.hpp"
#include "core/rng.hpp"
#include "core/sha256.hpp"
#include "ir/initial_weights.hpp"
#include "train/covering_genotypes.hpp"
#include "train/distillation_torch.hpp"
#include "train/gradient_matching_torch.hpp"
#include "train/optimizer_torch.hpp"
#include "train/path_sampler.hpp"
#include "train/subnet_torch.hpp"
#include "train/training_loop_torch.hpp"

namespace hwnas::train {
namespace {

using spaces::Genotype;
using torch::Tensor;

// Streams of the training's seed.
constexpr std::uint64_t kWeightsStream = 1;
constexpr std::uint64_t kCalibrationStream = 4;
constexpr std::uint64_t kMatchingStream = 6;
// Images that statistics are measured on at a time, as many as a training step commonly has.
constexpr std::size_t kCalibrationBatch = 125;
// Batches, and networks for each decision, that gradients are matched on.
constexpr std::size_t kMatched = 8;

SupernetOptions with_training(SupernetOptions options, const TrainOptions& training) {
  options.training = training;
  return options;
}

class SharedWeightsSupernet final : public OneShotSupernet, private Learner {
 public:
  SharedWeightsSupernet(const spaces::SearchSpace& space, const TrainData& data,
                        const SupernetOptions& options, std::uint64_t seed)
      : space_(space),
        data_(data),
        options_(options),
        seed_(seed),
        device_(parse_device(options.training.device)),
        activations_(activation_type(options.training)),
        sampler_(space, options.scheme, options.random_networks,
                 steps_per_epoch() * options.training.epochs, seed) {
    require_data(space.decode(largest_genotype(space)), data);
    const std::vector<Genotype> covering = covering_genotypes(space, seed);
    for (const Genotype& genotype : covering) shared_.cover(space.decode(genotype));
    values_ = torch::zeros({shared_.size()}, torch::TensorOptions(torch::kFloat).device(device_));
    gradients_ = torch::zeros_like(values_);
    draw_weights(covering);
    make_optimizer();
    load_calibration();
  }

  /// The part of `whole` with that choice.
  SharedWeightsSupernet(const SharedWeightsSupernet& whole, const FixedChoice& fixed,
                        const TrainOptions& training, std::uint64_t seed)
      : space_(whole.space_),
        data_(whole.data_),
        options_(with_training(whole.options_, training)),
        seed_(seed),
        device_(parse_device(training.device)),
        activations_(activation_type(training)),
        part_(fmt::format(".{}-{}", fixed.decision, fixed.option)),
        sampler_(space_, options_.scheme, options_.random_networks,
                 steps_per_epoch() * training.epochs, seed, fixed),
        shared_(whole.shared_),
        values_(whole.values_.to(device_, torch::kFloat, /*non_blocking=*/false, /*copy=*/true)),
        gradients_(torch::zeros_like(values_)) {
    make_optimizer();
    for (const Tensor& images : whole.calibration_) {
      calibration_.push_back(images.to(device_, activations_));
    }
  }

  TrainResult train(const EpochCallback& on_epoch, std::stop_token stop) override {
    const TrainingThreads threads(options_.training.threads);
    kept_.resize(sampler_.constant_paths());
    const auto after_epoch = [&](const EpochResult& epoch) {
      epochs_done_ = epoch.epoch;
      return !on_epoch || on_epoch(epoch);
    };
    TrainResult result =
        run_epochs(*this, data_, options_.training, seed_, after_epoch, stop, epochs_done_ + 1);
    executor_.reset();
    kept_.clear();
    validated_.reset();
    return result;
  }

  Evaluation score(const Genotype& genotype, std::span<const std::size_t> samples) const override {
    const TrainingThreads threads(1);
    const OwnStream stream(device_);
    const std::unique_ptr<Subnet> subnet = recalibrated(genotype);
    BatchLoader loader(*data_.dataset, data_.normalisation, device_, kEvaluationBatch);
    const auto logits_of = [&](const Tensor& images) {
      return subnet->module().forward(images.to(activations_));
    };
    return evaluate(logits_of, loader, samples);
  }

  ir::Weights cut_out(const Genotype& genotype) const override {
    return recalibrated(genotype)->module().save();
  }

  ir::Weights state() const override {
    ir::Weights state;
    ir::LayerWeights& all = state.layers[fingerprint()];
    all.weight = array_of(values_);
    const FlatOptimizer::State optimizer = optimizer_->state();
    all.bias = array_of(optimizer.momentum);
    if (optimizer.second.defined()) all.running_mean = array_of(optimizer.second);
    all.running_var = {{1}, {static_cast<float>(epochs_done_)}};
    return state;
  }

  bool restore(const ir::Weights& state) override {
    const auto found = state.layers.find(fingerprint());
    if (found == state.layers.end()) return false;
    const ir::LayerWeights& all = found->second;
    FlatOptimizer::State optimizer = optimizer_->state();
    const bool fits = fit(all.weight, values_) && fit(all.bias, optimizer.momentum) &&
                      (!optimizer.second.defined() || fit(all.running_mean, optimizer.second)) &&
                      all.running_var.values.size() == 1;
    if (!fits) return false;
    epochs_done_ = static_cast<int>(all.running_var.values[0]);
    step_ = epochs_done_ * steps_per_epoch();
    copy(all.weight, values_);
    copy(all.bias, optimizer.momentum);
    if (optimizer.second.defined()) copy(all.running_mean, optimizer.second);
    optimizer.steps = step_;
    optimizer_->restore(optimizer);
    return true;
  }

  std::vector<double> gradient_similarities(std::stop_token stop) const override {
    const TrainingThreads threads(options_.training.threads);
    Rng rng(derive_seed(seed_, {kMatchingStream}));
    const std::vector<Batch> batches = draw_batches(rng);
    const auto gradient_of_draw = [&](const Genotype& genotype, std::size_t draw) {
      return gradient_of(genotype, batches[draw]);
    };
    return match_gradients(space_, kMatched, rng, gradient_of_draw, stop);
  }

  std::unique_ptr<Supernet> split_off(const FixedChoice& choice, const TrainOptions& training,
                                      std::uint64_t seed) const override {
    return std::make_unique<SharedWeightsSupernet>(*this, choice, training, seed);
  }

  int epochs_done() const override { return epochs_done_; }
  int epochs() const override { return options_.training.epochs; }

 private:
  /// Of the sum over the step's networks (Yu et al., 2020; Chu et al., 2021, algorithm 1), which
  /// run at the same time on a thread each if there are several of both. Their gradients are added
  /// in a fixed order. Returns the mean loss.
  Tensor accumulate(const Batch& batch) override {
    if (sampler_.opens_widths(step_) && part_.empty()) sort_channels();
    const std::vector<Genotype> paths = sampler_.paths(step_);
    while (path_gradients_.size() + 1 < paths.size()) {
      path_gradients_.push_back(torch::zeros_like(values_));
    }
    std::vector<std::shared_ptr<Subnet>> subnets(paths.size());
    const auto forward = [&](std::size_t i) {
      subnets[i] = subnet_of(paths, i);
      subnets[i]->take_from(values_);
      subnets[i]->module().train();
      return subnets[i]->module().forward(batch.images);
    };
    // Computed once, by the first that asks.
    const std::shared_future<Tensor> first_logits =
        std::async(std::launch::deferred, [&] { return forward(0); });
    std::vector<Tensor> losses(paths.size());
    for_each(paths.size(), [&](std::size_t i) {
      const Tensor logits = i == 0 ? first_logits.get() : forward(i);
      const Tensor loss = sampler_.distils() && i > 0
                              ? distillation_loss(logits, first_logits.get().detach(), 1)
                              : label_loss(logits, batch.labels);
      loss.backward();
      subnets[i]->add_gradients_to(i == 0 ? gradients_ : path_gradients_[i - 1], values_);
      losses[i] = loss.detach();
    });
    for (std::size_t i = 1; i < paths.size(); ++i) {
      gradients_ += path_gradients_[i - 1];
      path_gradients_[i - 1].zero_();
    }
    return torch::stack(losses).mean();
  }

  void step(double learning_rate) override {
    optimizer_->step(learning_rate);
    ++step_;
    validated_.reset();
  }

  /// Before the first network is trained that leaves any out, the least important come last. A part
  /// of a supernet has them in the order that its narrow networks have learned.
  void sort_channels() {
    const torch::NoGradGuard no_grad;
    const ir::Array values = array_of(values_);
    const Tensor order =
        torch::tensor(shared_.order_by_importance(values.values), torch::kLong).to(device_);
    values_.copy_(values_.index_select(0, order));
    FlatOptimizer::State state = optimizer_->state();
    state.momentum = state.momentum.index_select(0, order);
    if (state.second.defined()) state.second = state.second.index_select(0, order);
    optimizer_->restore(state);
  }

  void for_each(std::size_t count, const std::function<void(std::size_t)>& work) {
    const int threads = options_.training.threads;
    const int workers = std::min(threads, static_cast<int>(count));
    if (workers == 1) {
      for (std::size_t i = 0; i < count; ++i) work(i);
      return;
    }
    if (!executor_) executor_.emplace(workers, std::stop_token());
    run_all(*executor_, count, [&](std::size_t i) {
      const TrainingThreads share(threads / workers);
      work(i);
    });
  }

  /// Of the largest network.
  Tensor logits(const Tensor& images) override {
    if (!validated_) validated_ = recalibrated(sampler_.largest());
    return validated_->module().forward(images);
  }

  /// With batch norms for the shared weights as they are; ready to infer.
  std::unique_ptr<Subnet> recalibrated(const Genotype& genotype) const {
    auto subnet = std::make_unique<Subnet>(space_.decode(genotype), shared_, device_);
    subnet->take_from(values_);
    subnet->module().recalibrate_batch_norms(calibration_);
    subnet->module().eval();
    return subnet;
  }

  /// Of the labels' loss.
  SharedGradient gradient_of(const Genotype& genotype, const Batch& batch) const {
    const ir::Network network = space_.decode(genotype);
    Subnet subnet(network, shared_, device_);
    subnet.take_from(values_);
    subnet.module().train();
    label_loss(subnet.module().forward(batch.images), batch.labels).backward();
    SharedGradient gradient{torch::zeros_like(values_), torch::zeros_like(values_)};
    subnet.add_gradients_to(gradient.values, values_);
    mark(shared_.select(network), gradient.present);
    return gradient;
  }

  std::vector<Batch> draw_batches(Rng& rng) const {
    std::vector<std::size_t> order(data_.train.begin(), data_.train.end());
    const std::size_t size = std::min<std::size_t>(options_.training.batch_size, order.size());
    BatchLoader loader(*data_.dataset, data_.normalisation, device_, size);
    std::vector<Batch> batches;
    for (std::size_t i = 0; i < kMatched; ++i) {
      rng.shuffle(std::span(order));
      const Batch batch = loader.load(std::span(order).first(size));
      batches.push_back({batch.images.clone(), batch.labels.clone()});
    }
    return batches;
  }

  std::int64_t steps_per_epoch() const {
    const std::size_t batch =
        std::min<std::size_t>(options_.training.batch_size, data_.train.size());
    return static_cast<std::int64_t>(data_.train.size() / std::max<std::size_t>(batch, 1));
  }

  void make_optimizer() {
    optimizer_.emplace(values_, gradients_, torch::tensor(shared_.decay_mask()).to(device_),
                       options_.training);
  }

  /// Each network's weights as it would draw them alone; the largest is the last, and has its own.
  void draw_weights(const std::vector<Genotype>& covering) {
    const torch::NoGradGuard no_grad;
    for (const auto& matrix : shared_.matrices()) {
      values_.narrow(0, matrix.first, matrix.positions * matrix.positions)
          .copy_(torch::eye(matrix.positions).flatten());
    }
    for (const Genotype& genotype : covering) {
      const ir::Network network = space_.decode(genotype);
      nn::NetworkModule module(network, device_);
      module.load(ir::initial_weights(network, derive_seed(seed_, {kWeightsStream})));
      const Tensor places = torch::tensor(shared_.select(network).places, torch::kLong).to(device_);
      values_.index_copy_(0, places, module.flat_parameters());
    }
  }

  void load_calibration() {
    std::vector<std::size_t> order(data_.train.begin(), data_.train.end());
    Rng rng(derive_seed(seed_, {kCalibrationStream}));
    rng.shuffle(std::span(order));
    order.resize(std::min(order.size(), static_cast<std::size_t>(options_.calibration_samples)));
    BatchLoader loader(*data_.dataset, data_.normalisation, device_, kCalibrationBatch);
    for (std::size_t first = 0; first < order.size(); first += kCalibrationBatch) {
      const auto part =
          std::span(order).subspan(first, std::min(kCalibrationBatch, order.size() - first));
      calibration_.push_back(loader.load(part).images.to(activations_, false, /*copy=*/true));
    }
  }

  /// Those that stand at the same place in every step are kept: two of a step are never one object.
  std::shared_ptr<Subnet> subnet_of(const std::vector<Genotype>& paths, std::size_t i) {
    std::shared_ptr<Subnet> made = i < kept_.size() ? kept_[i] : nullptr;
    if (!made) made = std::make_shared<Subnet>(space_.decode(paths[i]), shared_, device_);
    if (i < kept_.size()) kept_[i] = made;
    return made;
  }

  Tensor label_loss(const Tensor& logits, const Tensor& labels) const {
    return torch::cross_entropy_loss(logits, labels, {}, at::Reduction::Mean, -100,
                                     options_.training.label_smoothing);
  }

  /// Of all that the shared parameters depend on, as a layer's name.
  std::string fingerprint() const {
    return sha256(fmt::format(
        "{} random_networks {} {} seed {} samples {} of {} parameters {} {}{}",
        to_string(options_.scheme), options_.random_networks, to_string(options_.training), seed_,
        data_.train.size(), data_.dataset->size(), shared_.size(),
        ir::stable_hash_digits(space_.decode(largest_genotype(space_))), part_));
  }
  static ir::Array array_of(const Tensor& tensor) {
    const Tensor dense = tensor.cpu().contiguous();
    const float* const values = dense.data_ptr<float>();
    return {{dense.numel()}, {values, values + dense.numel()}};
  }
  static bool fit(const ir::Array& array, const Tensor& tensor) {
    return static_cast<std::int64_t>(array.values.size()) == tensor.numel();
  }
  static void copy(const ir::Array& array, Tensor& tensor) {
    const torch::NoGradGuard no_grad;
    tensor.copy_(torch::from_blob(const_cast<float*>(array.values.data()), {tensor.numel()}));
  }

  const spaces::SearchSpace& space_;
  const TrainData data_;
  const SupernetOptions options_;
  const std::uint64_t seed_;
  const torch::Device device_;
  const at::ScalarType activations_;
  const std::string part_;  // of the space, in the state's name; empty: all
  const PathSampler sampler_;
  nn::SharedParameters shared_;
  Tensor values_;
  Tensor gradients_;
  std::optional<FlatOptimizer> optimizer_;
  std::vector<Tensor> calibration_;
  std::int64_t step_ = 0;
  int epochs_done_ = 0;
  std::optional<Executor> executor_;    // of a training
  std::vector<Tensor> path_gradients_;  // of a step's second network and on; zero between steps
  std::vector<std::shared_ptr<Subnet>> kept_;  // of each constant path, in a training
  std::shared_ptr<Subnet> validated_;          // of the shared weights as they are now
};

}  // namespace

std::unique_ptr<OneShotSupernet> make_supernet(const spaces::SearchSpace& space,
                                               const TrainData& data,
                                               const SupernetOptions& options, std::uint64_t seed) {
  return std::make_unique<SharedWeightsSupernet>(space, data, options, seed);
}

}  // namespace hwnas::train
