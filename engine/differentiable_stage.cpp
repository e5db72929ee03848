#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "core/executor.hpp"
#include "engine/differentiable_file.hpp"
#include "engine/hardware_loss.hpp"
#include "engine/rank_agreement.hpp"
#include "engine/seed_stream.hpp"
#include "engine/stages.hpp"
#include "engine/supernet_evaluator.hpp"

namespace hwnas::engine {
namespace {

using search::ScoredDraw;
using spaces::Genotype;

constexpr int kStepsBetweenCheckpoints = 10;
/// Networks within the limits that are scored at the end: the mode and what is drawn beside it.
/// That costs as much as two steps of the default 8 paths, on all validation samples.
constexpr std::size_t kCandidates = 16;

/// Cross-entropies with the run's shared weights, which are loaded at construction.
class PathScorer {
 public:
  PathScorer(RunContext& run, Executor& executor)
      : space_(*run.inputs().space),
        validation_(run.inputs().data->split.validation),
        classes_(run.inputs().task.classes),
        supernet_(load_run_supernet({run.experiment(), run.inputs(), run.training(), run.folder(),
                                     run.store().rank_check(), run.store().few_shot()})),
        executor_(executor) {}

  /// One a genotype, on `count` validation samples drawn by `rng`: the same for all, so that they
  /// differ by the networks alone.
  std::vector<double> cross_entropies(const std::vector<Genotype>& genotypes, int count,
                                      Rng& rng) const {
    std::vector<std::size_t> samples = validation_;
    rng.shuffle(std::span(samples));
    samples.resize(std::min(samples.size(), static_cast<std::size_t>(count)));
    std::vector<double> losses;
    for (const train::Evaluation& evaluation : evaluate(genotypes, samples)) {
      losses.push_back(evaluation.loss);
    }
    return losses;
  }

  /// On all validation samples.
  std::vector<train::Evaluation> evaluate(const std::vector<Genotype>& genotypes) const {
    return evaluate(genotypes, validation_);
  }

 private:
  /// Late distributions draw the same network many times: it is scored once.
  std::vector<train::Evaluation> evaluate(const std::vector<Genotype>& genotypes,
                                          const std::vector<std::size_t>& samples) const {
    std::map<Genotype, train::Evaluation> scores;
    for (const Genotype& genotype : genotypes) scores.try_emplace(space_.canonical(genotype));
    std::vector<std::pair<const Genotype, train::Evaluation>*> entries;
    for (auto& entry : scores) entries.push_back(&entry);
    run_all(executor_, entries.size(), [&](std::size_t i) {
      auto& [genotype, evaluation] = *entries[i];
      evaluation = supernet_->score(genotype, samples);
      evaluation.loss = finite_loss(evaluation, classes_);
    });
    std::vector<train::Evaluation> result;
    for (const Genotype& genotype : genotypes) {
      result.push_back(scores.at(space_.canonical(genotype)));
    }
    return result;
  }

  const spaces::SearchSpace& space_;
  const std::vector<std::size_t>& validation_;
  const int classes_;
  const std::unique_ptr<train::Supernet> supernet_;
  Executor& executor_;
};

class DifferentiableStage {
 public:
  explicit DifferentiableStage(RunContext& run)
      : run_(run),
        section_(*run.experiment().differentiable),
        space_(*run.inputs().space),
        executor_(run.workers(), {}),
        hardware_(run.experiment(), space_, run.inputs().task.classes, executor_),
        scorer_(run, executor_),
        optimizer_(space_, {.steps = section_.steps,
                            .learning_rate = section_.learning_rate,
                            .entropy = section_.entropy}) {}

  StageOutcome run_to_end() {
    if (const auto kept = find_differentiable(run_.folder())) {
      optimizer_.restore(kept->state);
      reference_cost_ = kept->reference_cost;
    }
    while (steps() < section_.steps) {
      if (run_.draining()) {
        save({});
        return StageOutcome::kInterrupted;
      }
      take_step();
    }
    finish();
    return StageOutcome::kDone;
  }

 private:
  struct Priced {
    std::vector<Genotype> genotypes;
    std::vector<HardwareLoss::Cost> costs;

    double mean_cost() const {
      double sum = 0;
      for (const HardwareLoss::Cost& cost : costs) sum += cost.cost;
      return sum / static_cast<double>(costs.size());
    }
  };

  int steps() const { return optimizer_.state().steps; }
  Rng rng_of_step() const {
    return Rng(stream_seed(run_.experiment().seed, SeedStream::kDifferentiable,
                           static_cast<std::uint64_t>(steps())));
  }

  std::vector<Genotype> draw(int count, Rng& rng) const {
    std::vector<Genotype> genotypes;
    for (int i = 0; i < count; ++i) genotypes.push_back(optimizer_.distribution().sample(rng));
    return genotypes;
  }

  Priced draw_priced(Rng& rng) {
    Priced priced{draw(section_.samples, rng), {}};
    priced.costs = hardware_.costs(priced.genotypes);
    return priced;
  }

  static std::vector<ScoredDraw> pair(const std::vector<Genotype>& genotypes,
                                      const std::vector<double>& losses) {
    std::vector<ScoredDraw> draws;
    for (std::size_t i = 0; i < genotypes.size(); ++i) draws.push_back({genotypes[i], losses[i]});
    return draws;
  }

  void take_step() {
    Rng rng = rng_of_step();
    const Priced priced = draw_priced(rng);
    if (steps() == 0) reference_cost_ = priced.mean_cost();
    std::vector<double> hardware;
    for (const HardwareLoss::Cost& cost : priced.costs) {
      hardware.push_back(hardware_.loss(cost, reference_cost_));
    }
    const std::vector<Genotype> paths = draw(section_.paths, rng);
    const std::vector<double> losses = scorer_.cross_entropies(paths, section_.batch_size, rng);
    optimizer_.step({pair(paths, losses), pair(priced.genotypes, hardware)});
    if (steps() % kStepsBetweenCheckpoints == 0) {
      save({});
      report_step(priced, std::accumulate(losses.begin(), losses.end(), 0.0) / section_.paths);
    }
  }

  void save(std::optional<report::DifferentiableSummary> summary) const {
    save_differentiable(run_.folder(), {optimizer_.state(), reference_cost_, std::move(summary)});
  }

  void report_step(const Priced& priced, double cross_entropy) {
    const std::string cost =
        hardware_.metric().empty()
            ? ""
            : fmt::format(", {} {:.4g}", hardware_.metric(), priced.mean_cost());
    run_.report(static_cast<double>(steps()) / section_.steps,
                fmt::format("differentiable: step {} of {}, cross-entropy {:.3f}{}, entropy {:.2f}",
                            steps(), section_.steps, cross_entropy, cost,
                            optimizer_.distribution().entropy()));
  }

  void finish() {
    Rng rng = rng_of_step();
    const Priced priced = draw_priced(rng);
    report::DifferentiableSummary summary = summarise(priced);
    yield_best(candidates_of(priced), summary);
    save(summary);
    run_.report(1, summary.genotype.empty()
                       ? "differentiable: no network that was drawn keeps the limits: the search "
                         "starts from uniform draws"
                       : fmt::format("differentiable: yields {}, loss {:.4f}, top-1 {:.2f}",
                                     summary.genotype, summary.loss, summary.val_top1));
  }

  report::DifferentiableSummary summarise(const Priced& priced) const {
    const search::Distribution& distribution = optimizer_.distribution();
    report::DifferentiableSummary summary;
    summary.steps = steps();
    summary.cost_metric = hardware_.metric();
    summary.expected_cost = priced.mean_cost();
    summary.feasible_share =
        static_cast<double>(std::ranges::count_if(priced.costs, &HardwareLoss::Cost::feasible)) /
        static_cast<double>(priced.costs.size());
    summary.entropy = distribution.entropy();
    summary.uniform_entropy = search::uniform_distribution(space_).entropy();
    for (std::size_t i = 0; i < space_.decisions().size(); ++i) {
      const spaces::Decision& decision = space_.decisions()[i];
      summary.decisions.push_back({decision.name, decision.options, distribution.probabilities[i]});
    }
    return summary;
  }

  /// Within the limits, each once, the mode first.
  std::vector<Genotype> candidates_of(const Priced& priced) {
    const Genotype mode = optimizer_.distribution().mode();
    std::set<Genotype> seen;
    std::vector<Genotype> candidates;
    const auto add = [&](const Genotype& genotype, const HardwareLoss::Cost& cost) {
      const Genotype canonical = space_.canonical(genotype);
      if (candidates.size() == kCandidates || !cost.feasible()) return;
      if (seen.insert(canonical).second) candidates.push_back(canonical);
    };
    add(mode, hardware_.costs({&mode, 1}).front());
    for (std::size_t i = 0; i < priced.genotypes.size(); ++i) {
      add(priced.genotypes[i], priced.costs[i]);
    }
    return candidates;
  }

  void yield_best(const std::vector<Genotype>& candidates, report::DifferentiableSummary& summary) {
    const std::vector<train::Evaluation> scores = scorer_.evaluate(candidates);
    const std::vector<HardwareLoss::Cost> costs = hardware_.costs(candidates);
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      const double loss = scores[i].loss + hardware_.loss(costs[i], reference_cost_);
      if (!summary.genotype.empty() && loss >= summary.loss) continue;
      summary.genotype = spaces::to_string(candidates[i]);
      summary.description = spaces::describe(space_, candidates[i]);
      summary.loss = loss;
      summary.cross_entropy = scores[i].loss;
      summary.val_top1 = scores[i].top1;
      summary.cost = costs[i].cost;
    }
  }

  RunContext& run_;
  const DifferentiableSection& section_;
  const spaces::SearchSpace& space_;
  Executor executor_;
  HardwareLoss hardware_;
  const PathScorer scorer_;
  search::DistributionOptimizer optimizer_;
  double reference_cost_ = 0;
};

/// Empty: there is none.
std::string reason_to_skip(RunContext& run) {
  const std::vector<RankCheckRecord> check = run.store().rank_check();
  const double least = run.experiment().supernet->least_tau;
  if (trusted_scores(check, least) != TrustedScores::kNone) return "";
  const auto few_shot = few_shot_agreement(check);
  return fmt::format(
      "the supernet's scores are not to be trusted: Kendall's tau {:.2f} is below {:g}",
      few_shot ? few_shot->tau : rank_agreement(check)->tau, least);
}

}  // namespace

StageOutcome run_differentiable(RunContext& run) {
  const std::string reason = reason_to_skip(run);
  if (reason.empty()) return DifferentiableStage(run).run_to_end();
  report::DifferentiableSummary summary;
  summary.skipped = reason;
  save_differentiable(run.folder(), {.state = {}, .reference_cost = 0, .summary = summary});
  run.report(1, fmt::format("differentiable: skipped, since {}", reason));
  return StageOutcome::kDone;
}

}  // namespace hwnas::engine
