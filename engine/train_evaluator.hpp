#pragma once

#include "engine/evaluator.hpp"

namespace hwnas::engine {

/// `train`: gives val_top1 (percent, measured on the validation split after the last epoch).
/// Options: those of train::train_option_names(), and
///   subset          training samples used, stratified; 0 (default) = all
///   stop_hopeless   default true: a candidate that after its first epoch is not better than always
///                   answering the commonest class is stopped. The rule looks at nothing but the
///                   candidate itself, so that it cannot depend on the number of workers.
std::vector<std::string> train_evaluator_metrics(const Config& options);
std::unique_ptr<Evaluator> make_train_evaluator(const EvaluatorContext& context);

}  // namespace hwnas::engine
