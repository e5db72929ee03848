#pragma once

#include "engine/evaluator.hpp"

namespace hwnas::engine {

/// Where a run keeps its supernet's weights, and those of its parts once it is split.
std::filesystem::path supernet_file(const std::filesystem::path& run_folder);
std::filesystem::path few_shot_file(const std::filesystem::path& run_folder);
/// The supernet of a run, untrained.
std::unique_ptr<train::OneShotSupernet> make_run_supernet(const EvaluatorContext& context,
                                                          int threads);
/// The supernet of a run split by that decision. Its parts have the weights of `whole`.
std::unique_ptr<train::Supernet> split_run_supernet(const EvaluatorContext& context,
                                                    const train::OneShotSupernet& whole,
                                                    const std::string& decision, int threads);
/// The supernet of a run as its stage has left it, trained and perhaps split; for one thread. Needs
/// context.folder and context.few_shot.
std::unique_ptr<train::Supernet> load_run_supernet(const EvaluatorContext& context);

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
/// The same of the split supernet; nothing where there is none.
std::optional<RankAgreement> few_shot_agreement(const std::vector<RankCheckRecord>& check);

/// Whose scores can be trusted: those of the supernet as it was trained first (also where there was
/// no check), of the split one, or none.
enum class TrustedScores { kOneShot, kFewShot, kNone };
TrustedScores trusted_scores(const std::vector<RankCheckRecord>& check, double least_tau);

/// `supernet`: gives val_top1 (percent, predicted: it stands for the accuracy of the network
/// trained alone) as the network's accuracy with the weights that the space shares. Its standard
/// deviation is the residual of the rank check, where there was one. Options:
///   samples    validation samples used, stratified; 0 (default) = all
///   otherwise  options of evaluator `train`, which takes over where no scores can be trusted;
///              without it the run ends there
std::vector<std::string> supernet_evaluator_metrics(const Config& options);
/// Throws FailedPrecondition if no scores can be trusted and there is no `otherwise`.
std::unique_ptr<Evaluator> make_supernet_evaluator(const EvaluatorContext& context);

}  // namespace hwnas::engine
