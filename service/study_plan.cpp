#include "service/study_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

#include "core/text.hpp"
#include "service/error_status.hpp"

namespace hwnas::service {
namespace {

using MetricSpec = vizier::StudySpec::MetricSpec;

constexpr int kMaxMetrics = 16;
constexpr std::size_t kMaxIdBytes = 256;
constexpr std::size_t kMaxNeighbourhoodBytes = std::size_t{16} << 20;

struct Alias {
  std::string_view algorithm;
  std::string_view strategy;
};
constexpr Alias kAliases[] = {{"", "nsga2"},
                              {"ALGORITHM_UNSPECIFIED", "nsga2"},
                              {"DEFAULT", "nsga2"},
                              {"NSGA2", "nsga2"},
                              {"RANDOM_SEARCH", "random"}};

const search::StrategyInfo& strategy_for(const std::string& algorithm) {
  const auto alias = std::ranges::find(kAliases, algorithm, &Alias::algorithm);
  const std::string_view name = alias == std::end(kAliases) ? algorithm : alias->strategy;
  const auto strategies = search::strategies();
  const auto found = std::ranges::find(strategies, name, &search::StrategyInfo::name);
  if (found != strategies.end()) return *found;
  std::vector<std::string_view> names;
  for (const Alias& known : kAliases) {
    if (!known.algorithm.empty()) names.push_back(known.algorithm);
  }
  for (const search::StrategyInfo& strategy : strategies) names.push_back(strategy.name);
  throw InvalidField("study.study_spec.algorithm",
                     fmt::format("{} is not served; take one of {}", in_quotes(algorithm),
                                 fmt::join(names, ", ")));
}

/// local_search holds all neighbours of a point.
void require_small_neighbourhood(const spaces::DecisionSpace& space) {
  std::size_t options = 0;
  for (const spaces::Decision& decision : space.decisions()) options += decision.options.size();
  if (options * space.decisions().size() * sizeof(std::uint16_t) <= kMaxNeighbourhoodBytes) return;
  throw InvalidField("study.study_spec.parameters",
                     "too many for local_search, which evaluates all neighbours of a point; take "
                     "another algorithm");
}

void check(const MetricSpec& metric, const std::string& field) {
  const std::string& id = metric.metric_id();
  if (id.empty() || id.size() > kMaxIdBytes || find_text_fault(id)) {
    throw InvalidField(field + ".metric_id",
                       fmt::format("give 1 to {} bytes of UTF-8", kMaxIdBytes));
  }
  if (metric.goal() != MetricSpec::MAXIMIZE && metric.goal() != MetricSpec::MINIMIZE) {
    throw InvalidField(field + ".goal", "give MAXIMIZE or MINIMIZE");
  }
  if (!std::isfinite(metric.safety_config().safety_threshold())) {
    throw InvalidField(field + ".safety_config.safety_threshold", "give a finite number");
  }
}

std::optional<double> value_of(const vizier::Measurement& measurement, const std::string& id) {
  for (const auto& metric : measurement.metrics()) {
    if (metric.metric_id() == id) return metric.value();
  }
  return std::nullopt;
}

}  // namespace

StudyPlan::StudyPlan(const vizier::StudySpec& spec)
    : space_(spec), strategy_(&strategy_for(spec.algorithm())) {
  if (strategy_->name == "local_search") require_small_neighbourhood(space_);
  const std::string field = "study.study_spec.metrics";
  std::set<std::string> ids;
  for (int i = 0; i < spec.metrics_size(); ++i) {
    const MetricSpec& metric = spec.metrics(i);
    check(metric, fmt::format("{}[{}]", field, i));
    if (!ids.insert(metric.metric_id()).second) {
      throw InvalidField(field, in_quotes(metric.metric_id()) + " is there twice");
    }
    (metric.has_safety_config() ? limits_ : objectives_)
        .push_back({metric.metric_id(), metric.goal() == MetricSpec::MAXIMIZE ? -1.0 : 1.0,
                    metric.safety_config().safety_threshold()});
  }
  if (objectives_.empty() || spec.metrics_size() > kMaxMetrics) {
    throw InvalidField(field,
                       fmt::format("give 1 to {}, one of them without safety_config", kMaxMetrics));
  }
}

std::unique_ptr<search::Strategy> StudyPlan::make_strategy(std::uint64_t seed) const {
  return strategy_->make(space_, objectives_.size(), seed, Config::parse("{}", "algorithm"), {});
}

std::vector<double> StudyPlan::objectives(const vizier::Measurement& measurement) const {
  std::vector<double> objectives;
  for (const Metric& metric : objectives_) {
    const auto value = value_of(measurement, metric.id);
    if (!value || !std::isfinite(*value)) return {};
    objectives.push_back(metric.sign * *value);
  }
  return objectives;
}

std::optional<double> StudyPlan::first_objective(const vizier::Measurement& measurement) const {
  const auto value = value_of(measurement, objectives_.front().id);
  if (!value || !std::isfinite(*value)) return std::nullopt;
  return objectives_.front().sign * *value;
}

double StudyPlan::violation(const vizier::Measurement& measurement) const {
  double violation = 0;
  for (const Metric& metric : limits_) {
    const auto value = value_of(measurement, metric.id);
    if (!value) continue;
    const double scale = metric.threshold == 0 ? 1 : std::abs(metric.threshold);
    violation += std::max(0.0, metric.sign * (*value - metric.threshold)) / scale;
  }
  return violation;
}

search::Trial StudyPlan::result(const vizier::Trial& trial) const {
  search::Trial result;
  if (trial.state() != vizier::Trial::SUCCEEDED) return result;
  std::vector<double> objectives = this->objectives(trial.final_measurement());
  if (objectives.empty()) return result;
  result.violation = violation(trial.final_measurement());
  if (result.violation > 0) {
    result.state = search::TrialState::kInfeasible;
  } else {
    result.state = search::TrialState::kComplete;
    result.objectives = std::move(objectives);
  }
  return result;
}

}  // namespace hwnas::service
