#include <array>

#include "engine/evaluator.hpp"
#include "engine/supernet_evaluator.hpp"
#include "engine/table_evaluator.hpp"
#include "engine/train_evaluator.hpp"

namespace hwnas::engine {
namespace {

constexpr std::array<EvaluatorInfo, 3> kEvaluators{{
    {"train", "trains each candidate for a few epochs", true, false, train_evaluator_metrics,
     make_train_evaluator},
    {"supernet", "scores candidates with weights that all of the space share", true, true,
     supernet_evaluator_metrics, make_supernet_evaluator},
    {"table", "looks candidates up in tables of results", false, false, table_evaluator_metrics,
     make_table_evaluator},
}};

}  // namespace

std::span<const EvaluatorInfo> evaluators() {
  return kEvaluators;
}

const EvaluatorInfo& find_evaluator(const Config& options) {
  std::vector<std::string> names;
  for (const EvaluatorInfo& info : kEvaluators) names.emplace_back(info.name);
  return kEvaluators[options.at("name").as_one_of(names)];
}

std::unique_ptr<Evaluator> make_evaluator(const EvaluatorContext& context) {
  return find_evaluator(context.experiment.evaluator).make(context);
}

}  // namespace hwnas::engine
