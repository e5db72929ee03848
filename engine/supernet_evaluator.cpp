#include "engine/supernet_evaluator.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <mutex>

#include "core/error.hpp"
#include "engine/seed_stream.hpp"
#include "engine/train_evaluator.hpp"
#include "estimators/rank_statistics.hpp"
#include "train/few_shot.hpp"

namespace hwnas::engine {
namespace {

constexpr std::int64_t kMaxSamples = 100'000'000;
constexpr std::size_t kLeastNetworks = 5;

/// Root mean square of y's distance from its least-squares line over x.
double residual_of_line(const std::vector<double>& x, const std::vector<double>& y) {
  const auto n = static_cast<double>(x.size());
  double sx = 0, sy = 0, sxx = 0, sxy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    sx += x[i];
    sy += y[i];
    sxx += x[i] * x[i];
    sxy += x[i] * y[i];
  }
  const double spread = sxx - sx * sx / n;
  const double slope = spread > 0 ? (sxy - sx * sy / n) / spread : 0;
  double squares = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double rest = y[i] - sy / n - slope * (x[i] - sx / n);
    squares += rest * rest;
  }
  return std::sqrt(squares / n);
}

class SupernetEvaluator final : public Evaluator {
 public:
  explicit SupernetEvaluator(const EvaluatorContext& context)
      : context_(context),
        samples_(data::stratified_subset(
            context.inputs.data->source.train, context.inputs.data->split.validation,
            static_cast<std::size_t>(
                context.experiment.evaluator.int_or("samples", 0, 0, kMaxSamples)),
            stream_seed(context.experiment.seed, SeedStream::kSupernet, 1))) {
    const bool split = trusted_scores(context.rank_check, context.experiment.supernet->least_tau) ==
                       TrustedScores::kFewShot;
    const auto agreement =
        split ? few_shot_agreement(context.rank_check) : rank_agreement(context.rank_check);
    if (agreement) residual_ = agreement->residual;
  }

  std::optional<Evaluation> evaluate(const Candidate& candidate, const EpochSink&,
                                     std::stop_token) const override {
    std::call_once(loaded_, [&] { supernet_ = load_run_supernet(context_); });
    const double top1 = supernet_->score(candidate.genotype, samples_).top1;
    return Evaluation{search::TrialState::kComplete,
                      "",
                      {{"val_top1", top1, residual_, estimators::Origin::kPredicted}}};
  }

 private:
  const EvaluatorContext context_;
  const std::vector<std::size_t> samples_;
  double residual_ = 0;
  mutable std::once_flag loaded_;
  mutable std::unique_ptr<train::Supernet> supernet_;
};

/// The context with the options of `otherwise` in the place of the evaluator's.
class FallBack final : public Evaluator {
 public:
  explicit FallBack(const EvaluatorContext& context)
      : experiment_(with_options(context.experiment)),
        evaluator_(make_train_evaluator({experiment_, context.inputs, context.training})) {}

  std::optional<Evaluation> evaluate(const Candidate& candidate, const EpochSink& on_epoch,
                                     std::stop_token stop) const override {
    return evaluator_->evaluate(candidate, on_epoch, std::move(stop));
  }

 private:
  static Experiment with_options(Experiment experiment) {
    experiment.evaluator = Config(experiment.evaluator.at("otherwise"));
    return experiment;
  }

  const Experiment experiment_;
  const std::unique_ptr<Evaluator> evaluator_;
};

/// Of the networks that are trained alone and have the score.
std::optional<RankAgreement> agreement_of(
    const std::vector<RankCheckRecord>& check,
    const std::function<std::optional<double>(const RankCheckRecord&)>& score) {
  std::vector<double> scores, accuracies;
  for (const RankCheckRecord& network : check) {
    const std::optional<double> scored = score(network);
    if (!network.alone_top1 || !scored) continue;
    scores.push_back(*scored);
    accuracies.push_back(*network.alone_top1);
  }
  if (scores.size() < kLeastNetworks) return std::nullopt;
  const estimators::TauInterval interval = estimators::kendall_interval(scores, accuracies);
  return RankAgreement{static_cast<int>(scores.size()), estimators::kendall(scores, accuracies),
                       interval.low, interval.high, residual_of_line(scores, accuracies)};
}

std::string describe(const RankAgreement& agreement) {
  return fmt::format("{:.2f} ({:.2f} to {:.2f}, {} networks trained alone)", agreement.tau,
                     agreement.low, agreement.high, agreement.networks);
}

}  // namespace

std::filesystem::path supernet_file(const std::filesystem::path& run_folder) {
  return run_folder / "supernet.safetensors";
}

std::filesystem::path few_shot_file(const std::filesystem::path& run_folder) {
  return run_folder / "supernet.few_shot.safetensors";
}

std::unique_ptr<train::OneShotSupernet> make_run_supernet(const EvaluatorContext& context,
                                                          int threads) {
  train::SupernetOptions options = context.experiment.supernet->options;
  options.training.threads = threads;
  return context.training.make_supernet(
      *context.inputs.space, train_data(*context.inputs.data), options,
      stream_seed(context.experiment.seed, SeedStream::kSupernet));
}

std::unique_ptr<train::Supernet> split_run_supernet(const EvaluatorContext& context,
                                                    const train::OneShotSupernet& whole,
                                                    const std::string& decision, int threads) {
  const spaces::SearchSpace& space = *context.inputs.space;
  const auto found = std::ranges::find(space.decisions(), decision, &spaces::Decision::name);
  train::TrainOptions training = *context.experiment.supernet->few_shot;
  training.threads = threads;
  return std::make_unique<train::FewShotSupernet>(
      whole, space, static_cast<std::size_t>(found - space.decisions().begin()), training,
      stream_seed(context.experiment.seed, SeedStream::kSupernet, 2));
}

std::unique_ptr<train::Supernet> load_run_supernet(const EvaluatorContext& context) {
  std::unique_ptr<train::OneShotSupernet> whole = make_run_supernet(context, 1);
  whole->load(supernet_file(context.folder));
  if (!context.few_shot) return whole;
  auto split = split_run_supernet(context, *whole, context.few_shot->decision, 1);
  split->load(few_shot_file(context.folder));
  return split;
}

std::optional<RankAgreement> rank_agreement(const std::vector<RankCheckRecord>& check) {
  return agreement_of(check, [](const RankCheckRecord& network) { return network.supernet_top1; });
}

std::optional<RankAgreement> few_shot_agreement(const std::vector<RankCheckRecord>& check) {
  return agreement_of(check, [](const RankCheckRecord& network) { return network.few_shot_top1; });
}

TrustedScores trusted_scores(const std::vector<RankCheckRecord>& check, double least_tau) {
  // A tau that is no number, of networks that all score the same, is no agreement either.
  const auto one_shot = rank_agreement(check);
  if (!one_shot || one_shot->tau >= least_tau) return TrustedScores::kOneShot;
  const auto few_shot = few_shot_agreement(check);
  if (few_shot && few_shot->tau >= least_tau) return TrustedScores::kFewShot;
  return TrustedScores::kNone;
}

std::vector<std::string> supernet_evaluator_metrics(const Config& options) {
  options.require_known_keys({"name", "samples", "otherwise"});
  options.int_or("samples", 0, 0, kMaxSamples);
  if (const Config* otherwise = options.find("otherwise")) train_evaluator_metrics(*otherwise);
  return {"val_top1"};
}

std::unique_ptr<Evaluator> make_supernet_evaluator(const EvaluatorContext& context) {
  const double least = context.experiment.supernet->least_tau;
  if (trusted_scores(context.rank_check, least) != TrustedScores::kNone) {
    return std::make_unique<SupernetEvaluator>(context);
  }
  if (context.experiment.evaluator.find("otherwise") != nullptr) {
    return std::make_unique<FallBack>(context);
  }
  const auto few_shot = few_shot_agreement(context.rank_check);
  throw error(
      ErrorCode::kFailedPrecondition,
      "the supernet ranks networks with a Kendall's tau of {}{}, and "
      "supernet.rank_check.least_tau is {:g}: train it longer, or give evaluator.otherwise, by "
      "which candidates are trained alone",
      describe(*rank_agreement(context.rank_check)),
      few_shot ? ", split with one of " + describe(*few_shot) : "", least);
}

}  // namespace hwnas::engine
