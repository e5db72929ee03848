#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "engine/experiment.hpp"
#include "engine/inputs.hpp"
#include "engine/store.hpp"
#include "engine/training.hpp"
#include "report/run_summary.hpp"
#include "search/strategy.hpp"
#include "spaces/search_space.hpp"

namespace hwnas::engine {

/// A feasible proposal to be evaluated.
struct Candidate {
  std::uint64_t trial = 0;
  const spaces::Genotype& genotype;
  const ir::Network& network;
  std::uint64_t seed = 0;  ///< the only source of randomness of an evaluation
};

/// How an evaluation ended.
struct Evaluation {
  search::TrialState state = search::TrialState::kFailed;  ///< never kInfeasible
  std::string reason;                                      ///< unless kComplete
  std::vector<report::MetricValue> metrics;                ///< empty if kFailed
};

using EpochSink = std::function<void(const report::CurvePoint&)>;

/// Finds out how good candidates are. Pure in (candidate): the same candidate gives the same
/// evaluation whatever runs beside it. Thread-safe.
class Evaluator {
 public:
  virtual ~Evaluator() = default;
  /// Nothing if `stop` ended it: the trial will be evaluated again. Calls `on_epoch`, on this
  /// thread, as epochs end. May throw: the trial has then failed.
  virtual std::optional<Evaluation> evaluate(const Candidate& candidate, const EpochSink& on_epoch,
                                             std::stop_token stop) const = 0;
};

/// What an evaluator is made from; all of it outlives the evaluator.
struct EvaluatorContext {
  const Experiment& experiment;
  const Inputs& inputs;
  const Training& training;
  /// Of the run; empty where an evaluator is only made to be checked.
  std::filesystem::path folder = {};
  /// Of the run's supernet; empty where none was made.
  std::vector<RankCheckRecord> rank_check = {};
  /// Where the run's supernet was split; absent where it was not.
  std::optional<FewShotRecord> few_shot = {};
};

struct EvaluatorInfo {
  std::string_view name;
  std::string_view summary;
  bool needs_data;
  bool needs_supernet;
  /// Checks the options, an experiment's `evaluator` map, and returns the metrics they give.
  std::vector<std::string> (*metrics)(const Config& options);
  std::unique_ptr<Evaluator> (*make)(const EvaluatorContext& context);
};

/// All evaluators: train, supernet, table.
std::span<const EvaluatorInfo> evaluators();
/// Throws InvalidArgument, at the place of `options`' "name" key, for an unknown name.
const EvaluatorInfo& find_evaluator(const Config& options);
std::unique_ptr<Evaluator> make_evaluator(const EvaluatorContext& context);

}  // namespace hwnas::engine
