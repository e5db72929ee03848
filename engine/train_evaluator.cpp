#include "engine/train_evaluator.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>

#include "core/error.hpp"
#include "engine/seed_stream.hpp"

namespace hwnas::engine {
namespace {

constexpr std::int64_t kMaxSubset = 100'000'000;

/// Top-1 in percent of always answering the commonest class.
double commonest_class_top1(const data::Dataset& dataset, std::span<const std::size_t> samples) {
  std::vector<std::size_t> count(dataset.class_names.size());
  for (const std::size_t sample : samples) {
    ++count[static_cast<std::size_t>(dataset.labels[sample])];
  }
  return 100.0 * static_cast<double>(*std::ranges::max_element(count)) /
         static_cast<double>(samples.size());
}

class TrainEvaluator final : public Evaluator {
 public:
  explicit TrainEvaluator(const EvaluatorContext& context)
      : data_(*context.inputs.data), train_network_(context.training.train_network) {
    const Config& options = context.experiment.evaluator;
    options_ = train::train_options_from_config(options);
    options_.threads = context.experiment.threads_per_worker;
    samples_ = data::stratified_subset(
        data_.source.train, data_.split.train,
        static_cast<std::size_t>(options.int_or("subset", 0, 0, kMaxSubset)),
        stream_seed(context.experiment.seed, SeedStream::kTrainingSubset));
    if (options.bool_or("stop_hopeless", true) && options_.epochs > 1) {
      hopeless_top1_ = commonest_class_top1(data_.source.train, data_.split.validation);
    }
  }

  std::optional<Evaluation> evaluate(const Candidate& candidate, const EpochSink& on_epoch,
                                     std::stop_token stop) const override {
    const train::TrainData data{&data_.source.train, samples_, data_.split.validation,
                                data_.normalisation};
    const auto report_epoch = [&](const train::EpochResult& epoch) {
      on_epoch({epoch.epoch, epoch.train_loss, epoch.validation_loss, epoch.validation_top1});
      return epoch.epoch > 1 || epoch.validation_top1 > hopeless_top1_;
    };
    const train::TrainResult result =
        train_network_(candidate.network, data, options_, candidate.seed, {}, report_epoch, stop);
    return evaluation_of(result);
  }

 private:
  std::optional<Evaluation> evaluation_of(const train::TrainResult& result) const {
    const std::vector<report::MetricValue> metrics{
        {"val_top1", result.validation_top1(), 0, estimators::Origin::kMeasured}};
    switch (result.outcome) {
      case train::TrainOutcome::kComplete:
        return Evaluation{search::TrialState::kComplete, "", metrics};
      case train::TrainOutcome::kHopeless:
        return Evaluation{search::TrialState::kStopped,
                          fmt::format("{:.2f} % after the first epoch, the commonest class alone "
                                      "gives {:.2f} %",
                                      result.validation_top1(), hopeless_top1_),
                          metrics};
      case train::TrainOutcome::kDiverged:
        return Evaluation{search::TrialState::kFailed, result.reason, {}};
      case train::TrainOutcome::kCancelled:
        return std::nullopt;
    }
    assert(false);
    return std::nullopt;
  }

  const LoadedData& data_;
  decltype(Training::train_network) train_network_;
  train::TrainOptions options_;
  std::vector<std::size_t> samples_;
  double hopeless_top1_ = -1;  ///< never reached from above: no rule
};

}  // namespace

std::vector<std::string> train_evaluator_metrics(const Config& options) {
  std::vector<std::string> known = train::train_option_names();
  known.insert(known.end(), {"name", "subset", "stop_hopeless"});
  options.require_known_keys(known);
  train::train_options_from_config(options);
  options.int_or("subset", 0, 0, kMaxSubset);
  options.bool_or("stop_hopeless", true);
  return {"val_top1"};
}

std::unique_ptr<Evaluator> make_train_evaluator(const EvaluatorContext& context) {
  return std::make_unique<TrainEvaluator>(context);
}

}  // namespace hwnas::engine
