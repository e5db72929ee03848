#include "tests/engine/fake_training.hpp"

#include <fmt/format.h>

#include <numeric>
#include <random>
#include <thread>

#include "tests/ir/network_zoo.hpp"

namespace hwnas::engine {
namespace {

void sleep_up_to(std::chrono::microseconds longest) {
  if (longest.count() == 0) return;
  thread_local std::minstd_rand generator{std::random_device{}()};
  std::uniform_int_distribution<std::int64_t> duration(0, longest.count());
  std::this_thread::sleep_for(std::chrono::microseconds(duration(generator)));
}

train::TrainResult train(const ir::Network& network, const train::TrainOptions& options,
                         std::uint64_t seed, const train::EpochCallback& on_epoch,
                         const std::stop_token& stop, const FakeTraining& fake) {
  if (fake.trainings != nullptr) ++*fake.trainings;
  Rng rng(derive_seed(seed, {ir::stable_hash(network)}));
  const double ceiling = 60 + 35 * rng.uniform();
  train::TrainResult result;
  for (int epoch = 1; epoch <= options.epochs; ++epoch) {
    sleep_up_to(fake.longest_epoch);
    const double top1 = ceiling * epoch / (epoch + 0.2);
    result.epochs.push_back({epoch, 1.0 / epoch, 1.5 / epoch, top1, 0});
    if (!on_epoch(result.epochs.back())) {
      result.outcome = train::TrainOutcome::kHopeless;
      return result;
    }
    if (stop.stop_requested()) {
      result.outcome = train::TrainOutcome::kCancelled;
      return result;
    }
  }
  result.weights = ir::zoo::random_weights(network, seed);
  return result;
}

/// Scores by the network's size, and remembers the epochs that it has been through. What is split
/// off has weights of its own, and scores the other way round if the splits of `fake` do.
class FakeSupernet final : public train::OneShotSupernet {
 public:
  FakeSupernet(const spaces::SearchSpace& space, const train::TrainOptions& training,
               const FakeTraining& fake, std::string name = "whole")
      : space_(space), epochs_(training.epochs), fake_(fake), name_(std::move(name)) {}

  train::TrainResult train(const train::EpochCallback& on_epoch, std::stop_token stop) override {
    train::TrainResult result;
    while (done_ < epochs_) {
      sleep_up_to(fake_.longest_epoch);
      ++done_;
      result.epochs.push_back({done_, 1.0 / done_, 1.5 / done_, 50, 0});
      on_epoch(result.epochs.back());
      if (!stop.stop_requested() || done_ == epochs_) continue;
      result.outcome = train::TrainOutcome::kCancelled;
      return result;
    }
    return result;
  }
  train::Evaluation score(const spaces::Genotype& genotype,
                          std::span<const std::size_t> samples) const override {
    if (done_ < epochs_) throw std::logic_error("scored before it was trained");
    const auto macs = static_cast<double>(ir::macs(space_.decode(genotype)));
    const double top1 = 100 * macs / (macs + 1e5);
    const bool turned = fake_.splits_rank_otherwise && name_ != "whole";
    const double share = (turned ? 100 - top1 : top1) / 100;
    // Other samples, another score.
    const double chance =
        1e-12 * static_cast<double>(std::accumulate(samples.begin(), samples.end(), 0UL));
    return {.top1 = 100 * (share + chance), .loss = 1 - share - chance, .predictions = {}};
  }
  ir::Weights cut_out(const spaces::Genotype& genotype) const override {
    return ir::zoo::random_weights(space_.decode(genotype), name_ == "whole" ? 1 : 2);
  }
  ir::Weights state() const override {
    ir::Weights state;
    state.layers[name_].weight = {{1}, {static_cast<float>(done_)}};
    return state;
  }
  bool restore(const ir::Weights& state) override {
    const auto found = state.layers.find(name_);
    if (found == state.layers.end()) return false;
    done_ = static_cast<int>(found->second.weight.values.at(0));
    return true;
  }
  int epochs_done() const override { return done_; }
  int epochs() const override { return epochs_; }
  /// The later, the less alike.
  std::vector<double> gradient_similarities(std::stop_token stop) const override {
    if (stop.stop_requested()) return {};
    std::vector<double> similarities;
    for (const spaces::Decision& decision : space_.decisions()) {
      const auto place = static_cast<double>(similarities.size());
      similarities.push_back(decision.options.size() > 1 ? 0.5 - place / 100 : 1);
    }
    return similarities;
  }
  std::unique_ptr<train::Supernet> split_off(const train::FixedChoice& choice,
                                             const train::TrainOptions& training,
                                             std::uint64_t) const override {
    return std::make_unique<FakeSupernet>(space_, training, fake_,
                                          fmt::format("{}-{}", choice.decision, choice.option));
  }

 private:
  const spaces::SearchSpace& space_;
  const int epochs_;
  const FakeTraining fake_;
  const std::string name_;
  int done_ = 0;
};

}  // namespace

Training fake_training(const FakeTraining& fake) {
  return {
      .set_worker_threads = [](int, int) {},
      .train_network =
          [fake](const ir::Network& network, const train::TrainData&,
                 const train::TrainOptions& options, std::uint64_t seed, const train::TrainStart&,
                 const train::EpochCallback& on_epoch, std::stop_token stop) {
            return train(network, options, seed, on_epoch, stop, fake);
          },
      .make_supernet =
          [fake](const spaces::SearchSpace& space, const train::TrainData&,
                 const train::SupernetOptions& options, std::uint64_t) {
            return std::make_unique<FakeSupernet>(space, options.training, fake);
          },
      .evaluate_network =
          [fake](const ir::Network&, const ir::Weights&, const data::Dataset&,
                 std::span<const std::size_t> samples, const data::Normalisation&,
                 const train::TrainOptions&) {
            if (fake.test_passes != nullptr) ++*fake.test_passes;
            return train::Evaluation{77.5, 0.5, std::vector<int>(samples.size())};
          },
      .measure_network_latency =
          [](const ir::Network&, const ir::Weights&, int) {
            return estimators::LatencyMeasurement{1.25, 0.01, 30, 0, {}};
          },
      .train_quantized =
          [](const ir::FoldedNetwork& network, const ir::NetworkScales& start,
             const train::TrainData&, const train::QuantizedTrainOptions&, std::uint64_t,
             const train::EpochCallback&, std::stop_token) {
            train::QuantizedTrainResult result;
            result.weights = network.weights;
            result.scales = start;
            return result;
          },
      .hessian_traces =
          [](const ir::FoldedNetwork& network, const train::SensitivityData&,
             const train::SensitivityOptions&,
             std::uint64_t) { return std::vector<double>(network.network.layers.size(), 1.0); },
      .fisher_diagonals =
          [](const ir::FoldedNetwork& network, const train::SensitivityData&,
             const train::SensitivityOptions&) {
            std::vector<std::vector<double>> diagonals;
            for (const ir::Layer& layer : network.network.layers) {
              const auto found = network.weights.layers.find(layer.name);
              const bool has_weights = found != network.weights.layers.end();
              diagonals.emplace_back(has_weights ? found->second.weight.values.size() : 0, 1.0);
            }
            return diagonals;
          },
  };
}

}  // namespace hwnas::engine
