#include "engine/supernet_evaluator.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <mutex>

#include "core/error.hpp"
#include "engine/rank_agreement.hpp"
#include "engine/seed_stream.hpp"
#include "engine/train_evaluator.hpp"
#include "train/few_shot.hpp"

namespace hwnas::engine {
namespace {

constexpr std::int64_t kMaxSamples = 100'000'000;

class SupernetEvaluator final : public Evaluator {
 public:
  explicit SupernetEvaluator(const EvaluatorContext& context)
      : context_(context),
        samples_(scored_samples(context)),
        agreement_(trusted_agreement(context.rank_check, context.experiment.supernet->least_tau)) {}

  std::optional<Evaluation> evaluate(const Candidate& candidate, const EpochSink&,
                                     std::stop_token) const override {
    std::call_once(loaded_, [&] { supernet_ = load_run_supernet(context_); });
    return Evaluation{search::TrialState::kComplete, "", {predicted_top1(candidate.genotype)}};
  }

 private:
  report::MetricValue predicted_top1(const spaces::Genotype& genotype) const {
    const train::Evaluation score = supernet_->score(genotype, samples_);
    constexpr auto kPredicted = estimators::Origin::kPredicted;
    // A line that does not fall has no order to give: least_tau allowed it.
    const bool predicts = agreement_ && agreement_->line.slope < 0;
    // How far that is from an accuracy trained alone is not known.
    if (!predicts) return {"val_top1", score.top1, 0, kPredicted};
    const std::int64_t parameters = ir::parameters(context_.inputs.space->decode(genotype));
    const double loss = finite_loss(score, context_.inputs.task.classes);
    return {"val_top1", agreement_->line.at(agreement_->score(loss, parameters)),
            agreement_->residual, kPredicted};
  }

  const EvaluatorContext context_;
  const std::vector<std::size_t> samples_;
  const std::optional<RankAgreement> agreement_;
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

double finite_loss(const train::Evaluation& score, int classes) {
  return std::isfinite(score.loss) ? score.loss : std::log(classes);
}

std::vector<std::size_t> scored_samples(const EvaluatorContext& context) {
  return data::stratified_subset(
      context.inputs.data->source.train, context.inputs.data->split.validation,
      static_cast<std::size_t>(context.experiment.evaluator.int_or("samples", 0, 0, kMaxSamples)),
      stream_seed(context.experiment.seed, SeedStream::kSupernet, 1));
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
      ErrorCode::kSearchFailed,
      "the supernet ranks networks with a Kendall's tau of {}{}, and "
      "supernet.rank_check.least_tau is {:g}: train it longer, or give evaluator.otherwise, by "
      "which candidates are trained alone",
      describe(*rank_agreement(context.rank_check)),
      few_shot ? ", split with one of " + describe(*few_shot) : "", least);
}

}  // namespace hwnas::engine
