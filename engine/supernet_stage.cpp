#include <fmt/format.h>
#include <tbb/concurrent_queue.h>

#include <algorithm>
#include <set>

#include "core/error.hpp"
#include "engine/costs.hpp"
#include "engine/executor.hpp"
#include "engine/seed_stream.hpp"
#include "engine/stages.hpp"
#include "engine/supernet_evaluator.hpp"

namespace hwnas::engine {
namespace {

// Of the stage's progress; the rest is the rank check.
constexpr double kTrainingShare = 0.8;
// A check draws from so many networks for each that it takes.
constexpr int kDrawnForEach = 10;
constexpr int kDrawsForEach = 1000;

class SupernetStage {
 public:
  explicit SupernetStage(RunContext& run)
      : run_(run),
        section_(*run.experiment().supernet),
        supernet_(make_run_supernet({run.experiment(), run.inputs(), run.training()},
                                    run.workers() * run.experiment().threads_per_worker)) {}

  StageOutcome run_to_end() {
    if (train() == StageOutcome::kInterrupted) return StageOutcome::kInterrupted;
    if (section_.check_networks == 0) return StageOutcome::kDone;
    if (run_.store().rank_check().empty()) run_.store().add_rank_check(score(draw_networks()));
    if (train_alone() == StageOutcome::kInterrupted) return StageOutcome::kInterrupted;
    report_agreement();
    return StageOutcome::kDone;
  }

 private:
  struct Trained {
    std::size_t position = 0;
    train::TrainResult result;
    std::string failure;
  };

  StageOutcome train() {
    const std::filesystem::path file = supernet_file(run_.folder());
    const int epochs = section_.options.training.epochs;
    if (std::filesystem::exists(file)) supernet_->load(file);
    if (supernet_->epochs_done() == epochs) return StageOutcome::kDone;
    run_.report(kTrainingShare * supernet_->epochs_done() / epochs, "");
    const train::TrainResult result = supernet_->train(
        [&](const train::EpochResult& epoch) {
          supernet_->save(file);
          run_.report(kTrainingShare * epoch.epoch / epochs,
                      fmt::format("supernet: epoch {}, largest network {:.2f}", epoch.epoch,
                                  epoch.validation_top1));
          return true;
        },
        run_.drain());
    if (result.outcome == train::TrainOutcome::kCancelled) return StageOutcome::kInterrupted;
    if (result.outcome != train::TrainOutcome::kComplete) {
      throw error(ErrorCode::kFailedPrecondition,
                  "the supernet's training failed: {}; change the training options of 'supernet'",
                  result.reason);
    }
    return StageOutcome::kDone;
  }

  /// Within the limits, spread over their multiply-accumulates: networks of one size would say
  /// little of how the others are ranked.
  std::vector<spaces::Genotype> draw_networks() {
    const spaces::SearchSpace& space = *run_.inputs().space;
    const CostModels costs(run_.experiment());
    Rng rng(stream_seed(run_.experiment().seed, SeedStream::kRankCheck));
    std::set<std::pair<double, spaces::Genotype>> drawn;
    const auto wanted = static_cast<std::size_t>(section_.check_networks) * kDrawnForEach;
    for (int i = 0; i < section_.check_networks * kDrawsForEach && drawn.size() < wanted; ++i) {
      const spaces::Genotype genotype = space.canonical(spaces::sample(space, rng));
      const ir::Network network = space.decode(genotype);
      if (costs.predict(network).violation > 0) continue;
      drawn.emplace(static_cast<double>(ir::macs(network)), genotype);
    }
    const std::vector<std::pair<double, spaces::Genotype>> by_size(drawn.begin(), drawn.end());
    std::vector<spaces::Genotype> networks;
    const std::size_t count =
        std::min(by_size.size(), static_cast<std::size_t>(section_.check_networks));
    for (std::size_t i = 0; i < count; ++i) {
      networks.push_back(by_size[i * by_size.size() / count].second);
    }
    return networks;
  }

  std::vector<RankCheckRecord> score(const std::vector<spaces::Genotype>& networks) {
    std::vector<RankCheckRecord> check(networks.size());
    Executor executor(run_.workers(), run_.drain());
    tbb::concurrent_bounded_queue<std::size_t> scored;
    for (std::size_t i = 0; i < networks.size(); ++i) {
      executor.submit([&, i](int, std::stop_token) {
        check[i] = {networks[i],
                    supernet_->score(networks[i], run_.inputs().data->split.validation).top1,
                    std::nullopt};
        scored.push(i);
      });
    }
    for (std::size_t i = 0; i < networks.size(); ++i) {
      std::size_t position = 0;
      scored.pop(position);
    }
    return check;
  }

  StageOutcome train_alone() {
    const std::vector<RankCheckRecord> check = run_.store().rank_check();
    tbb::concurrent_bounded_queue<Trained> mailbox;
    std::size_t running = 0;
    std::size_t done = 0;
    Executor executor(run_.workers(), run_.drain());
    for (std::size_t i = 0; i < check.size(); ++i) {
      if (check[i].alone_top1) {
        ++done;
        continue;
      }
      ++running;
      executor.submit([&, i](int, std::stop_token stop) {
        mailbox.push(train_alone(i, check[i].genotype, std::move(stop)));
      });
    }
    bool interrupted = false;
    for (; running > 0; --running) {
      Trained trained;
      mailbox.pop(trained);
      if (!trained.failure.empty())
        throw error(ErrorCode::kFailedPrecondition, "{}", trained.failure);
      if (trained.result.outcome == train::TrainOutcome::kCancelled) {
        interrupted = true;
        continue;
      }
      run_.store().finish_rank_check(trained.position, trained.result.validation_top1());
      ++done;
      run_.report(kTrainingShare + (1 - kTrainingShare) * static_cast<double>(done) /
                                       static_cast<double>(check.size()),
                  fmt::format("rank check: {} of {} networks trained alone", done, check.size()));
    }
    return interrupted ? StageOutcome::kInterrupted : StageOutcome::kDone;
  }

  Trained train_alone(std::size_t position, const spaces::Genotype& genotype,
                      std::stop_token stop) {
    const Experiment& experiment = run_.experiment();
    train::TrainOptions options = section_.check_training;
    options.threads = experiment.threads_per_worker;
    try {
      return {position,
              run_.training().train_network(
                  run_.inputs().space->decode(genotype), train_data(*run_.inputs().data), options,
                  stream_seed(experiment.seed, SeedStream::kRankCheck, position + 1), {},
                  [](const train::EpochResult&) { return true; }, std::move(stop)),
              ""};
    } catch (const std::exception& thrown) {
      return {position, {}, thrown.what()};
    }
  }

  void report_agreement() {
    const auto agreement = rank_agreement(run_.store().rank_check());
    if (!agreement) return;
    run_.report(1, fmt::format("rank check: Kendall's tau {:.2f} ({:.2f} to {:.2f}) over {} "
                               "networks{}",
                               agreement->tau, agreement->low, agreement->high, agreement->networks,
                               agreement->tau >= section_.least_tau
                                   ? ""
                                   : fmt::format(", below {:g}: its scores are not used",
                                                 section_.least_tau)));
  }

  RunContext& run_;
  const SupernetSection& section_;
  const std::unique_ptr<train::Supernet> supernet_;
};

}  // namespace

StageOutcome run_supernet(RunContext& run) {
  return SupernetStage(run).run_to_end();
}

}  // namespace hwnas::engine
