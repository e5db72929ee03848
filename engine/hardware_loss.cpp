#include "engine/hardware_loss.hpp"

#include <algorithm>
#include <cmath>

namespace hwnas::engine {

HardwareLoss::HardwareLoss(const Experiment& experiment, const spaces::SearchSpace& space,
                           int classes, Executor& executor)
    : space_(space),
      models_(experiment),
      weight_(experiment.differentiable->hardware_weight),
      guessing_(std::log(classes)),
      executor_(executor) {
  for (const Objective& objective : experiment.objectives) {
    const bool is_cost = std::ranges::any_of(
        models_.models(), [&](const auto& model) { return model->metric() == objective.metric; });
    if (metric_.empty() && !objective.maximize && is_cost) metric_ = objective.metric;
  }
}

std::vector<HardwareLoss::Cost> HardwareLoss::costs(std::span<const spaces::Genotype> genotypes) {
  std::vector<spaces::Genotype> canonical;
  std::vector<std::pair<const spaces::Genotype, Cost>*> unknown;
  for (const spaces::Genotype& genotype : genotypes) {
    canonical.push_back(space_.canonical(genotype));
    const auto [entry, is_new] = known_.try_emplace(canonical.back());
    if (is_new) unknown.push_back(&*entry);  // stays where it is while others are added
  }
  run_all(executor_, unknown.size(),
          [&](std::size_t i) { unknown[i]->second = predict(unknown[i]->first); });
  std::vector<Cost> result;
  for (const spaces::Genotype& genotype : canonical) result.push_back(known_.at(genotype));
  return result;
}

double HardwareLoss::loss(const Cost& cost, double reference) const {
  const double limits = cost.feasible() ? 0 : guessing_ * (1 + std::log1p(cost.violation));
  return limits + (metric_.empty() ? 0 : weight_ * cost.cost / reference);
}

HardwareLoss::Cost HardwareLoss::predict(const spaces::Genotype& genotype) const {
  const Costs costs = models_.predict(space_.decode(genotype));
  const auto metric = std::ranges::find(costs.metrics, metric_, &report::MetricValue::name);
  return {metric == costs.metrics.end() ? 0 : metric->value, costs.violation};
}

}  // namespace hwnas::engine
