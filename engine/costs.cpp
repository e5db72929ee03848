#include "engine/costs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>

#include "core/normal.hpp"

namespace hwnas::engine {
namespace {

double relative_variance(const estimators::Estimate& estimate) {
  return std::pow(estimate.standard_deviation / estimate.value, 2);
}

/// Energy, when the latency is known better than before; power is what it was.
estimators::Estimate in_proportion(estimators::Estimate energy, const estimators::Estimate& before,
                                   const estimators::Estimate& after) {
  if (!(energy.value > 0)) return energy;
  const double of_power = std::max(0.0, relative_variance(energy) - relative_variance(before));
  for (std::size_t i = 0; i < energy.per_layer.size(); ++i) {
    if (before.per_layer[i] > 0) energy.per_layer[i] *= after.per_layer[i] / before.per_layer[i];
  }
  energy.value *= after.value / before.value;
  energy.standard_deviation = energy.value * std::sqrt(of_power + relative_variance(after));
  return energy;
}

}  // namespace

std::string describe_excess(const std::string& metric, double value, double bound) {
  return fmt::format("{} {:.10g} > {:.10g}", metric, value, bound);
}

double limited_value(const Limit& limit, double value, double standard_deviation) {
  return value + normal_quantile(limit.confidence) * standard_deviation;
}

CostModels::CostModels(const Experiment& experiment)
    : limits_(experiment.limits),
      correction_(experiment.device.runtime(experiment.runtime).latency_relative_sd.value) {
  const estimators::RuntimeProfile& runtime = experiment.device.runtime(experiment.runtime);
  for (const estimators::CostModelInfo& info : estimators::cost_models()) {
    models_.push_back(info.make(experiment.device, runtime));
  }
}

const estimators::CostModel& CostModels::latency() const {
  return **std::ranges::find(models_, "latency_ms", &estimators::CostModel::metric);
}

void CostModels::learn(const ir::Network& network, double latency_ms) {
  correction_.add(network, latency().predict(network), latency_ms);
}

estimators::Estimate CostModels::predict(const estimators::CostModel& model,
                                         const ir::Network& network) const {
  const estimators::Estimate estimate = model.predict(network);
  if (correction_.measurements() == 0) return estimate;
  if (&model == &latency()) return correction_.correct(network, estimate);
  if (model.metric() != "energy_mj") return estimate;
  const estimators::Estimate before = latency().predict(network);
  return in_proportion(estimate, before, correction_.correct(network, before));
}

Costs CostModels::predict(const ir::Network& network) const {
  Costs costs;
  for (const auto& model : models_) {
    const estimators::Estimate estimate = predict(*model, network);
    costs.metrics.push_back({std::string(model->metric()), estimate.value,
                             estimate.standard_deviation, estimate.origin});
  }
  for (const Limit& limit : limits_) {
    const auto metric = std::ranges::find(costs.metrics, limit.metric, &report::MetricValue::name);
    assert(metric != costs.metrics.end());
    const double value = limited_value(limit, metric->value, metric->standard_deviation);
    if (value <= limit.bound) continue;
    costs.violation += value / limit.bound - 1;
    if (!costs.reason.empty()) costs.reason += ", ";
    costs.reason += describe_excess(limit.metric, value, limit.bound);
    if (limit.confidence > 0.5) {
      costs.reason +=
          fmt::format(" with confidence {} (predicted {:.10g})", limit.confidence, metric->value);
    }
  }
  return costs;
}

std::map<std::string, std::vector<double>> CostModels::per_layer(const ir::Network& network) const {
  std::map<std::string, std::vector<double>> result;
  for (const auto& model : models_) {
    estimators::Estimate estimate = predict(*model, network);
    if (estimate.per_layer.empty()) continue;
    result[std::string(model->metric())] = std::move(estimate.per_layer);
  }
  return result;
}

}  // namespace hwnas::engine
