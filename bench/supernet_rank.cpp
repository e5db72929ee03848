// How well a supernet ranks networks on Fashion-MNIST: that of an experiment in
// configs/experiments, against networks trained alone as fashion_mnist_mcu's finalists.
//
//   supernet_rank --figure train   trains the supernet; seconds it took on this machine
//   supernet_rank --figure alone   trains networks within the limits, evenly spread over the
//                                  logarithm of their size, each alone; the best one's accuracy
//                                  less the worst one's, in percent
//   supernet_rank --figure tau     Kendall's tau between the supernet's scores of these networks
//                                  (as a run makes them of its rank check: of cross-entropies on
//                                  the evaluator's samples, and of sizes where these help) and
//                                  their accuracies trained alone, with its 95 % interval; before
//                                  it that of cross-entropies and of sizes; a picture: tau.svg
//   supernet_rank --figure again   Kendall's tau between the accuracies of one of five, trained
//                                  alone from two seeds: what no supernet can be expected to exceed
//   supernet_rank --figure score   networks scored a second, recalibration of batch norms included
//   supernet_rank --figure search  seconds in which the experiment's strategy searches 2,000
//                                  networks within the limits, so scored
//
// An accuracy of a network trained alone is that on all images which it was not trained on, those
// for validation and those for tests: on 6,000 images two such networks differ by 0.3 % by chance.
// The last line is the figure. What is done is kept in --folder: killed at any time, the next call
// goes on, losing one epoch of the supernet or the networks in training at most.
#include <fmt/format.h>
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <map>
#include <mutex>
#include <numeric>

#include "core/error.hpp"
#include "core/executor.hpp"
#include "core/file.hpp"
#include "core/sha256.hpp"
#include "engine/front.hpp"
#include "engine/inputs.hpp"
#include "engine/rank_agreement.hpp"
#include "engine/rank_check_networks.hpp"
#include "engine/supernet_evaluator.hpp"
#include "engine/training.hpp"
#include "estimators/rank_statistics.hpp"
#include "ir/network.hpp"
#include "nn/caching_allocator.hpp"
#include "report/report.hpp"
#include "search/strategy.hpp"
#include "train/path_sampler.hpp"
#include "train/supernet.hpp"

namespace {

using namespace hwnas;
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using spaces::Genotype;

constexpr int kWorkers = 2;
constexpr std::uint64_t kSeed = 1;
constexpr std::uint64_t kOtherSeed = 2;
constexpr std::uint64_t kNetworkStream = 2;
constexpr std::uint64_t kOrderStream = 3;
constexpr std::size_t kOneOf = 5;  // networks, the one trained again
constexpr std::size_t kSearchedNetworks = 2000;
constexpr std::size_t kProposals = 48;  // scored before the strategy is told of any

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

struct Options {
  fs::path folder = "build/supernet_rank";
  std::string experiment = "fashion_mnist_mcu_accurate";
  int networks = 100;
  bool partly = false;
};

class Bench {
 public:
  explicit Bench(const Options& options)
      : options_(options),
        experiment_(load_with_supernet(options.experiment)),
        alone_(load("fashion_mnist_mcu").finalists.train),
        inputs_(engine::load_inputs(experiment_)),
        data_(engine::train_data(*inputs_.data)),
        context_{experiment_, inputs_, training_},
        scored_(engine::scored_samples(context_)),
        supernet_(engine::make_run_supernet(context_, kWorkers)) {
    fs::create_directories(options.folder);
    if (fs::exists(checkpoint())) supernet_->load(checkpoint());
  }

  /// Seconds of training so far, all calls together.
  double train() {
    double before = 0;
    if (supernet_->epochs_done() > 0) std::ifstream(seconds_file()) >> before;
    const auto start = Clock::now();
    supernet_->train([&](const train::EpochResult& epoch) {
      supernet_->save(checkpoint());
      std::ofstream(seconds_file()) << before + seconds_since(start);
      fmt::print("epoch {} of {}: loss {:.4f}, largest network {:.2f} %, {:.0f} s\n", epoch.epoch,
                 supernet_->epochs(), epoch.train_loss, epoch.validation_top1,
                 before + seconds_since(start));
      std::fflush(stdout);
      return true;
    });
    std::ifstream(seconds_file()) >> before;
    return before;
  }

  double spread_alone() {
    const auto [worst, best] = std::ranges::minmax(held_out(trained_alone(draw_networks(), kSeed)));
    return best - worst;
  }

  double tau() {
    require_trained();
    std::vector<Genotype> networks = draw_networks();
    if (options_.partly) {
      const std::map<Genotype, Alone> known = read_alone(kSeed);
      std::erase_if(networks, [&](const Genotype& genotype) { return !known.contains(genotype); });
      if (networks.size() < 5) {
        throw error(ErrorCode::kFailedPrecondition,
                    "too few networks are trained alone: run --figure alone first");
      }
    }
    std::vector<train::Evaluation> scores(networks.size());
    std::vector<train::Evaluation> over_all(networks.size());
    Executor executor(kWorkers, {});
    run_all(executor, networks.size(), [&](std::size_t i) {
      scores[i] = supernet_->score(networks[i], scored_);
      over_all[i] = supernet_->score(networks[i], data_.validation);
    });
    const std::vector<double> alone = held_out(trained_alone(networks, kSeed));
    const std::vector<engine::RankCheckRecord> check = check_of(networks, losses_of(scores), alone);
    const engine::RankAgreement agreement = *engine::rank_agreement(check);
    draw(check, agreement);
    std::vector<double> ranked, sizes;
    for (const engine::RankCheckRecord& network : check) {
      ranked.push_back(-agreement.score(network.supernet_loss, network.parameters));
      sizes.push_back(static_cast<double>(network.parameters));
    }
    fmt::print("by the loss alone {:.3f}, by the number of parameters {:.3f}\n",
               estimators::kendall(less(losses_of(scores)), alone),
               estimators::kendall(sizes, alone));
    fmt::print(
        "by accuracies with shared weights {:.3f}; over all {} images by the loss {:.3f}, by "
        "accuracies {:.3f}\n",
        estimators::kendall(top1_of(scores), alone), data_.validation.size(),
        estimators::kendall(less(losses_of(over_all)), alone),
        estimators::kendall(top1_of(over_all), alone));
    fmt::print("size counts {:.4f} nats for each factor e\n", agreement.size_weight);
    return compared(networks, ranked, alone);
  }

  double tau_again() {
    std::vector<Genotype> networks;
    const std::vector<Genotype> all = draw_networks();
    for (std::size_t i = 0; i < all.size(); i += kOneOf) networks.push_back(all[i]);
    return compared(networks, held_out(trained_alone(networks, kOtherSeed)),
                    held_out(trained_alone(networks, kSeed)));
  }

  double scored_a_second() {
    require_trained();
    const std::vector<Genotype> networks = draw_networks();
    const auto start = Clock::now();
    Executor executor(kWorkers, {});
    run_all(executor, networks.size(),
            [&](std::size_t i) { supernet_->score(networks[i], scored_); });
    const double seconds = seconds_since(start);
    fmt::print("{} networks, {} images each, in {:.2f} s\n", networks.size(), scored_.size(),
               seconds);
    return static_cast<double>(networks.size()) / seconds;
  }

  double seconds_of_search() {
    require_trained();
    const engine::CostModels costs(experiment_);
    const auto strategy = search::make_strategy(*inputs_.space, experiment_.objectives.size(),
                                                kSeed, experiment_.search);
    Executor executor(kWorkers, {});
    std::size_t scored = 0;
    std::uint64_t proposed = 0;
    const auto start = Clock::now();
    while (scored < kSearchedNetworks) {
      std::vector<search::Trial> trials;
      for (const search::Proposal& proposal : strategy->ask(kProposals)) {
        trials.push_back({.id = proposed++, .genotype = proposal.genotype});
      }
      if (trials.empty()) break;
      run_all(executor, trials.size(), [&](std::size_t i) { judge(trials[i], costs); });
      strategy->tell(trials);
      scored += std::ranges::count(trials, search::TrialState::kComplete, &search::Trial::state);
    }
    const double seconds = seconds_since(start);
    fmt::print("{} networks scored, {} proposed, in {:.0f} s\n", scored, proposed, seconds);
    return seconds;
  }

 private:
  static engine::Experiment load(const std::string& name) {
    return engine::Experiment::load(
        fmt::format("{}/configs/experiments/{}.yaml", HWNAS_SOURCE_DIR, name));
  }
  static engine::Experiment load_with_supernet(const std::string& name) {
    engine::Experiment experiment = load(name);
    if (!experiment.supernet) {
      throw error(ErrorCode::kInvalidArgument, "--experiment {}: it has no section 'supernet'",
                  name);
    }
    return experiment;
  }

  /// Fills in how the trial ends.
  void judge(search::Trial& trial, const engine::CostModels& costs) const {
    engine::Costs predicted = costs.predict(inputs_.space->decode(trial.genotype));
    trial.violation = predicted.violation;
    trial.state = search::TrialState::kInfeasible;
    if (trial.violation > 0) return;
    trial.state = search::TrialState::kComplete;
    const double score = -loss_of(supernet_->score(trial.genotype, scored_));
    predicted.metrics.push_back({"val_top1", score, 0, estimators::Origin::kPredicted});
    trial.objectives = engine::minimised_objectives(experiment_.objectives, predicted.metrics);
  }

  fs::path checkpoint() const { return options_.folder / (options_.experiment + ".safetensors"); }
  fs::path seconds_file() const { return options_.folder / (options_.experiment + ".seconds"); }
  /// Experiments of one space and one split of the data share it.
  fs::path alone_file(std::uint64_t seed) const {
    const ir::Network largest = inputs_.space->decode(train::largest_genotype(*inputs_.space));
    const std::string trained =
        sha256(fmt::format("{} split by {} into {} {}", ir::stable_hash_digits(largest),
                           experiment_.seed, data_.train.size(), train::to_string(alone_)));
    return options_.folder / fmt::format("alone_{}_seed_{}.txt", trained.substr(0, 8), seed);
  }

  void require_trained() const {
    if (supernet_->epochs_done() < supernet_->epochs()) {
      throw error(ErrorCode::kFailedPrecondition,
                  "{} of {} epochs are trained: run --figure train first", supernet_->epochs_done(),
                  supernet_->epochs());
    }
  }

  /// As a rank check draws them.
  std::vector<Genotype> draw_networks() const {
    Rng rng(derive_seed(kSeed, {kNetworkStream}));
    return engine::rank_check_networks(*inputs_.space, engine::CostModels(experiment_),
                                       static_cast<std::size_t>(options_.networks), rng);
  }

  static double compared(const std::vector<Genotype>& networks, const std::vector<double>& scores,
                         const std::vector<double>& alone) {
    for (std::size_t i = 0; i < networks.size(); ++i) {
      fmt::print("{} {:.4f} {:.2f}\n", spaces::to_string(networks[i]), scores[i], alone[i]);
    }
    const double tau = estimators::kendall(scores, alone);
    const auto [low, high] = estimators::kendall_interval(scores, alone);
    fmt::print(
        "{} networks, Spearman {:.3f}, Kendall's tau {:.3f}, 95 % interval {:.3f} to {:.3f}\n",
        networks.size(), estimators::spearman(scores, alone), tau, low, high);
    return tau;
  }

  double loss_of(const train::Evaluation& score) const {
    return engine::finite_loss(score, inputs_.task.classes);
  }
  std::vector<double> losses_of(const std::vector<train::Evaluation>& scores) const {
    std::vector<double> values;
    for (const train::Evaluation& score : scores) values.push_back(loss_of(score));
    return values;
  }
  static std::vector<double> less(std::vector<double> values) {
    for (double& value : values) value = -value;
    return values;
  }
  static std::vector<double> top1_of(const std::vector<train::Evaluation>& scores) {
    std::vector<double> values;
    for (const train::Evaluation& score : scores) values.push_back(score.top1);
    return values;
  }

  std::vector<engine::RankCheckRecord> check_of(const std::vector<Genotype>& networks,
                                                const std::vector<double>& losses,
                                                const std::vector<double>& alone) const {
    std::vector<engine::RankCheckRecord> check;
    for (std::size_t i = 0; i < networks.size(); ++i) {
      check.push_back({.genotype = networks[i],
                       .parameters = ir::parameters(inputs_.space->decode(networks[i])),
                       .supernet_loss = losses[i],
                       .alone_top1 = alone[i],
                       .failure = "",
                       .few_shot_loss = std::nullopt});
    }
    return check;
  }

  void draw(const std::vector<engine::RankCheckRecord>& check,
            const engine::RankAgreement& agreement) const {
    report::RankCheckSummary summary;
    summary.size_weight = agreement.size_weight;
    summary.line = agreement.line;
    for (const engine::RankCheckRecord& network : check) {
      summary.networks.push_back({spaces::to_string(network.genotype), network.supernet_loss,
                                  *network.alone_top1, std::nullopt, network.parameters,
                                  agreement.score(network.supernet_loss, network.parameters)});
    }
    write_file_atomically(options_.folder / "tau.svg", report::render_rank_check_svg(summary));
  }

  /// Accuracies of a network trained alone, in percent.
  struct Alone {
    double validation_top1 = 0;
    double test_top1 = 0;
  };

  /// Over the images of both.
  std::vector<double> held_out(const std::vector<Alone>& alone) const {
    const auto validation = static_cast<double>(data_.validation.size());
    const auto test = static_cast<double>(inputs_.data->source.test.size());
    std::vector<double> values;
    for (const Alone& network : alone) {
      values.push_back((validation * network.validation_top1 + test * network.test_top1) /
                       (validation + test));
    }
    return values;
  }

  Alone train_alone(const Genotype& genotype, std::uint64_t seed) const {
    const ir::Network network = inputs_.space->decode(genotype);
    const train::TrainResult result = train::train_network(network, data_, alone_, seed);
    if (result.outcome != train::TrainOutcome::kComplete) {
      throw error(ErrorCode::kSearchFailed, "{} could not be trained alone: {}",
                  spaces::to_string(genotype), result.reason);
    }
    const data::Dataset& test = inputs_.data->source.test;
    std::vector<std::size_t> all(test.size());
    std::iota(all.begin(), all.end(), 0);
    return {result.validation_top1(),
            train::evaluate_network(network, result.weights, test, all, data_.normalisation).top1};
  }

  std::map<Genotype, Alone> read_alone(std::uint64_t seed) const {
    std::map<Genotype, Alone> alone;
    std::ifstream file(alone_file(seed));
    std::string genotype;
    for (Alone top1; file >> genotype >> top1.validation_top1 >> top1.test_top1;) {
      alone[spaces::genotype_from_string(genotype)] = top1;
    }
    return alone;
  }

  /// Those that an earlier call has trained are read.
  std::vector<Alone> trained_alone(const std::vector<Genotype>& networks,
                                   std::uint64_t seed) const {
    const std::map<Genotype, Alone> known = read_alone(seed);
    std::vector<Genotype> missing;
    for (const Genotype& genotype : networks) {
      if (!known.contains(genotype)) missing.push_back(genotype);
    }
    // In any order: a partial result then has networks of all sizes.
    Rng(derive_seed(kSeed, {kOrderStream})).shuffle(std::span(missing));
    std::mutex mutex;
    std::ofstream file(alone_file(seed), std::ios::app);
    std::size_t done = networks.size() - missing.size();
    Executor executor(kWorkers, {});
    run_all(executor, missing.size(), [&](std::size_t i) {
      const Alone alone = train_alone(missing[i], seed);
      const std::lock_guard lock(mutex);
      file << spaces::to_string(missing[i]) << ' ' << alone.validation_top1 << ' '
           << alone.test_top1 << std::endl;
      fmt::print("{} of {} trained alone: {:.2f} % in validation, {:.2f} % in tests\n", ++done,
                 networks.size(), alone.validation_top1, alone.test_top1);
      std::fflush(stdout);
    });
    const std::map<Genotype, Alone> all = read_alone(seed);
    std::vector<Alone> top1;
    for (const Genotype& genotype : networks) top1.push_back(all.at(genotype));
    return top1;
  }

  const Options options_;
  const engine::Experiment experiment_;
  const train::TrainOptions alone_;  // how networks are trained alone
  const engine::Inputs inputs_;
  const train::TrainData data_;
  const engine::Training training_ = engine::libtorch_training();
  const engine::EvaluatorContext context_;
  const std::vector<std::size_t> scored_;
  const std::unique_ptr<train::Supernet> supernet_;
};

}  // namespace

int main(int argc, char** argv) try {
  CLI::App app("how well a supernet ranks networks");
  Options options;
  std::string figure;
  app.add_option("--figure", figure)
      ->required()
      ->check(CLI::IsMember({"train", "alone", "tau", "again", "score", "search"}));
  app.add_option("--folder", options.folder)->capture_default_str();
  app.add_option("--experiment", options.experiment, "whose supernet it is")->capture_default_str();
  app.add_option("--networks", options.networks)->capture_default_str();
  app.add_flag("--partly", options.partly, "tau: of the networks that are trained alone by now");
  CLI11_PARSE(app, argc, argv);
  nn::install_caching_allocator();
  const bool trains_one = figure == "train";
  train::set_worker_threads(trains_one ? 1 : kWorkers, trains_one ? kWorkers : 1);
  Bench bench(options);
  if (figure == "train") {
    fmt::print("{:.0f}\n", bench.train());
  } else if (figure == "alone") {
    fmt::print("{:.2f}\n", bench.spread_alone());
  } else if (figure == "tau") {
    fmt::print("{:.3f}\n", bench.tau());
  } else if (figure == "again") {
    fmt::print("{:.3f}\n", bench.tau_again());
  } else if (figure == "score") {
    fmt::print("{:.2f}\n", bench.scored_a_second());
  } else {
    fmt::print("{:.0f}\n", bench.seconds_of_search());
  }
} catch (const std::exception& failure) {
  fmt::print(stderr, "supernet_rank: {}\n", failure.what());
  return 1;
}
