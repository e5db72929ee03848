#pragma once

#include "engine/evaluator.hpp"

namespace hwnas::engine {

/// Where a run keeps its supernet's weights.
std::filesystem::path supernet_file(const std::filesystem::path& run_folder);
/// The supernet of a run, untrained.
std::unique_ptr<train::Supernet> make_run_supernet(const EvaluatorContext& context, int threads);

/// How far a supernet's scores can be trusted.
struct RankAgreement {
  int networks = 0;  ///< that are trained by now
  double tau = 0;    ///< Kendall's, between scores and accuracies of networks trained alone
  double low = 0;    ///< of its 95 % interval
  double high = 0;
  /// Root mean square of what a line through the scores leaves of the accuracies, in points.
  double residual = 0;
};
/// Nothing with fewer than 5 networks trained.
std::optional<RankAgreement> rank_agreement(const std::vector<RankCheckRecord>& check);

/// `supernet`: gives val_top1 (percent, predicted: it stands for the accuracy of the network
/// trained alone) as the network's accuracy with the weights that the space shares. Its standard
/// deviation is the residual of the rank check, where there was one. Options:
///   samples    validation samples used, stratified; 0 (default) = all
///   otherwise  options of evaluator `train`, which takes over where the rank check's tau is below
///              least_tau; without it the run ends there
std::vector<std::string> supernet_evaluator_metrics(const Config& options);
/// Throws FailedPrecondition if the rank check has failed and there is no `otherwise`.
std::unique_ptr<Evaluator> make_supernet_evaluator(const EvaluatorContext& context);

}  // namespace hwnas::engine
