#include <fmt/format.h>
#include <tbb/concurrent_queue.h>

#include <algorithm>

#include "core/error.hpp"
#include "core/executor.hpp"
#include "engine/rank_agreement.hpp"
#include "engine/rank_check_networks.hpp"
#include "engine/seed_stream.hpp"
#include "engine/stages.hpp"
#include "engine/supernet_evaluator.hpp"
#include "train/few_shot.hpp"

namespace hwnas::engine {
namespace {

// Of the stage's progress up to the rank check's result; the rest is the check.
constexpr double kTrainingShare = 0.8;
// Of the stage's progress, where the supernet may be split; the rest is the training of its parts.
constexpr double kOneShotShare = 0.6;

class SupernetStage {
 public:
  explicit SupernetStage(RunContext& run)
      : run_(run),
        section_(*run.experiment().supernet),
        context_{run.experiment(), run.inputs(), run.training()},
        threads_(run.workers() * run.experiment().threads_per_worker),
        one_shot_share_(section_.few_shot ? kOneShotShare : 1),
        supernet_(make_run_supernet(context_, threads_)) {}

  StageOutcome run_to_end() {
    const StageOutcome trained = train(*supernet_, supernet_file(run_.folder()), "supernet", 0,
                                       kTrainingShare * one_shot_share_);
    if (trained == StageOutcome::kInterrupted) return trained;
    if (section_.check_networks == 0) return StageOutcome::kDone;
    if (run_.store().rank_check().empty()) check_scores(draw_networks());
    if (!is_checked()) {
      if (train_alone() == StageOutcome::kInterrupted) return StageOutcome::kInterrupted;
      report_agreement();
    }
    const auto check = run_.store().rank_check();
    require_trained(check);
    const bool passed = trusted_scores(check, section_.least_tau) == TrustedScores::kOneShot;
    return passed || !section_.few_shot ? StageOutcome::kDone : split();
  }

 private:
  struct Trained {
    std::size_t position = 0;
    train::TrainResult result;
  };

  /// The stage's progress goes from `first` to `last` meanwhile.
  StageOutcome train(train::Supernet& supernet, const std::filesystem::path& file,
                     std::string_view name, double first, double last) {
    const auto progress = [&] {
      return first + (last - first) * supernet.epochs_done() / supernet.epochs();
    };
    if (std::filesystem::exists(file)) supernet.load(file);
    if (supernet.epochs_done() == supernet.epochs()) return StageOutcome::kDone;
    run_.report(progress(), "");
    const train::TrainResult result = supernet.train(
        [&](const train::EpochResult& epoch) {
          supernet.save(file);
          run_.report(progress(), fmt::format("{}: epoch {}, largest network {:.2f}", name,
                                              epoch.epoch, epoch.validation_top1));
          return true;
        },
        run_.drain());
    if (result.outcome == train::TrainOutcome::kCancelled) return StageOutcome::kInterrupted;
    if (result.outcome != train::TrainOutcome::kComplete) {
      throw error(ErrorCode::kSearchFailed,
                  "the supernet's training failed: {}; change the training options of 'supernet'",
                  result.reason);
    }
    return StageOutcome::kDone;
  }

  /// By the decision on which shared weights agree least; then the networks of the check are scored
  /// again.
  StageOutcome split() {
    if (!run_.store().few_shot() && choose_split() == StageOutcome::kInterrupted) {
      return StageOutcome::kInterrupted;
    }
    const auto parts =
        split_run_supernet(context_, *supernet_, run_.store().few_shot()->decision, threads_);
    const StageOutcome trained =
        train(*parts, few_shot_file(run_.folder()), "few_shot", one_shot_share_, 1);
    if (trained == StageOutcome::kInterrupted) return trained;
    const std::vector<RankCheckRecord> check = run_.store().rank_check();
    if (!check.front().few_shot_loss) {
      std::vector<spaces::Genotype> networks;
      for (const RankCheckRecord& network : check) networks.push_back(network.genotype);
      run_.store().set_few_shot_losses(losses(*parts, networks));
    }
    report_few_shot_agreement();
    return StageOutcome::kDone;
  }

  StageOutcome choose_split() {
    const auto split = train::greatest_disagreement(*supernet_, run_.drain());
    if (!split) return StageOutcome::kInterrupted;
    const spaces::Decision& decision = run_.inputs().space->decisions()[split->decision];
    run_.store().set_few_shot({decision.name, split->similarity});
    run_.report(one_shot_share_,
                fmt::format("few_shot: the supernet is split by {} into {} parts (similarity of "
                            "gradients {:.2f})",
                            decision.name, decision.options.size(), split->similarity));
    return StageOutcome::kDone;
  }

  std::vector<spaces::Genotype> draw_networks() {
    Rng rng(stream_seed(run_.experiment().seed, SeedStream::kRankCheck));
    return rank_check_networks(*run_.inputs().space, CostModels(run_.experiment()),
                               static_cast<std::size_t>(section_.check_networks), rng);
  }

  void check_scores(const std::vector<spaces::Genotype>& networks) {
    const std::vector<double> scored = losses(*supernet_, networks);
    std::vector<RankCheckRecord> check;
    for (std::size_t i = 0; i < networks.size(); ++i) {
      check.push_back({.genotype = networks[i],
                       .parameters = ir::parameters(run_.inputs().space->decode(networks[i])),
                       .supernet_loss = scored[i],
                       .alone_top1 = std::nullopt,
                       .failure = "",
                       .few_shot_loss = std::nullopt});
    }
    run_.store().add_rank_check(check);
  }

  /// As candidates are scored.
  std::vector<double> losses(const train::Supernet& supernet,
                             const std::vector<spaces::Genotype>& networks) {
    const std::vector<std::size_t> samples = scored_samples(context_);
    std::vector<double> losses(networks.size());
    Executor executor(run_.workers(), run_.drain());
    run_all(executor, networks.size(), [&](std::size_t i) {
      losses[i] = finite_loss(supernet.score(networks[i], samples), run_.inputs().task.classes);
    });
    return losses;
  }

  bool is_checked() {
    const auto check = run_.store().rank_check();
    return !check.empty() && std::ranges::all_of(check, &RankCheckRecord::is_done);
  }

  StageOutcome train_alone() {
    const std::vector<RankCheckRecord> check = run_.store().rank_check();
    tbb::concurrent_bounded_queue<Trained> mailbox;
    std::size_t running = 0;
    std::size_t done = 0;
    Executor executor(run_.workers(), run_.drain());
    for (std::size_t i = 0; i < check.size(); ++i) {
      if (check[i].is_done()) {
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
      if (trained.result.outcome == train::TrainOutcome::kCancelled) {
        interrupted = true;
        continue;
      }
      ++done;
      note(trained, static_cast<double>(done) / static_cast<double>(check.size()),
           fmt::format("rank check: {} of {} networks trained alone", done, check.size()));
    }
    return interrupted ? StageOutcome::kInterrupted : StageOutcome::kDone;
  }

  /// A network that could not be trained says nothing of the scores, so it is left out of the
  /// check.
  void note(const Trained& trained, double share, std::string message) {
    if (trained.result.outcome == train::TrainOutcome::kComplete) {
      run_.store().finish_rank_check(trained.position, trained.result.validation_top1());
    } else {
      run_.store().fail_rank_check(trained.position, trained.result.reason);
      message +=
          fmt::format("; network {} is left out: {}", trained.position + 1, trained.result.reason);
    }
    run_.report(one_shot_share_ * (kTrainingShare + (1 - kTrainingShare) * share),
                std::move(message));
  }

  Trained train_alone(std::size_t position, const spaces::Genotype& genotype,
                      std::stop_token stop) {
    if (stop.stop_requested()) return {position, {train::TrainOutcome::kCancelled, {}, {}, ""}};
    const Experiment& experiment = run_.experiment();
    train::TrainOptions options = section_.check_training;
    options.threads = experiment.threads_per_worker;
    try {
      return {position,
              run_.training().train_network(
                  run_.inputs().space->decode(genotype), train_data(*run_.inputs().data), options,
                  stream_seed(experiment.seed, SeedStream::kRankCheck, position + 1), {},
                  [](const train::EpochResult&) { return true; }, std::move(stop))};
    } catch (const std::exception& thrown) {
      return {position, {train::TrainOutcome::kDiverged, {}, {}, thrown.what()}};
    }
  }

  static std::ptrdiff_t trained_alone(const std::vector<RankCheckRecord>& check) {
    return std::ranges::count_if(
        check, [](const RankCheckRecord& network) { return network.alone_top1.has_value(); });
  }

  static void require_trained(const std::vector<RankCheckRecord>& check) {
    if (check.empty() || trained_alone(check) > 0) return;
    throw error(ErrorCode::kSearchFailed,
                "rank check: no network could be trained alone; network 1: {}; change the training "
                "options of 'supernet.rank_check'",
                check.front().failure);
  }

  void report_agreement() {
    const auto check = run_.store().rank_check();
    const auto agreement = rank_agreement(check);
    if (!agreement) {
      run_.report(
          1,
          fmt::format("rank check: {} networks within the limits, trained alone, are too few: the "
                      "supernet's accuracies are used, unchecked",
                      trained_alone(check)));
      return;
    }
    const bool split = section_.few_shot && !(agreement->tau >= section_.least_tau);
    run_.report(split ? one_shot_share_ : 1,
                describe("rank check", *agreement,
                         split ? "the supernet is split" : "its scores are not used"));
  }

  void report_few_shot_agreement() {
    const auto agreement = few_shot_agreement(run_.store().rank_check());
    run_.report(1, describe("rank check of the split supernet", *agreement, "no scores are used"));
  }

  std::string describe(std::string_view what, const RankAgreement& agreement,
                       std::string_view failure) const {
    return fmt::format("{}: Kendall's tau {:.2f} ({:.2f} to {:.2f}) over {} networks, by {}{}",
                       what, agreement.tau, agreement.low, agreement.high, agreement.networks,
                       agreement.size_weight > 0 ? "loss and size" : "loss",
                       agreement.tau >= section_.least_tau
                           ? ""
                           : fmt::format(", below {:g}: {}", section_.least_tau, failure));
  }

  RunContext& run_;
  const SupernetSection& section_;
  const EvaluatorContext context_;
  const int threads_;
  const double one_shot_share_;  // of the stage's progress
  const std::unique_ptr<train::OneShotSupernet> supernet_;
};

}  // namespace

StageOutcome run_supernet(RunContext& run) {
  return SupernetStage(run).run_to_end();
}

}  // namespace hwnas::engine
