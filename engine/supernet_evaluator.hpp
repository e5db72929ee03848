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

/// The validation samples that candidates are scored on.
std::vector<std::size_t> scored_samples(const EvaluatorContext& context);

/// The cross-entropy, in nats; where it overflows, that of a guess, which is no worse.
double finite_loss(const train::Evaluation& score, int classes);

/// `supernet`: gives val_top1 (percent, predicted). With a rank check, it is the accuracy of the
/// network trained as that check trains, by the line through the check's networks from the
/// cross-entropy with shared weights (it may pass 100); its standard deviation is what that line
/// leaves. Without one, with fewer than 5 networks in it, or where the line does not fall, it is
/// the accuracy with shared weights. Options:
///   samples    validation samples used, by the rank check too, stratified; 0 (default) = all
///   otherwise  options of evaluator `train`, which takes over where no scores can be trusted;
///              without it the run ends there
std::vector<std::string> supernet_evaluator_metrics(const Config& options);
/// Throws FailedPrecondition if no scores can be trusted and there is no `otherwise`.
std::unique_ptr<Evaluator> make_supernet_evaluator(const EvaluatorContext& context);

}  // namespace hwnas::engine
