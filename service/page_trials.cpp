#include "service/page_trials.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "engine/front.hpp"
#include "engine/run_facts.hpp"
#include "engine/store.hpp"
#include "service/log.hpp"

namespace hwnas::service {
namespace {

using engine::TrialRecord;
using nlohmann::json;

constexpr std::size_t kMaxTrials = 5000;
constexpr std::size_t kMaxCurves = 60;
constexpr std::size_t kMaxTextBytes = 200;

using Front = std::set<std::uint64_t>;

const char* state_of(const TrialRecord& trial, const Front& front) {
  if (front.contains(trial.id)) return "front";
  if (!trial.state) return "running";
  switch (*trial.state) {
    case search::TrialState::kComplete:
      return "complete";
    case search::TrialState::kInfeasible:
      return "infeasible";
    case search::TrialState::kFailed:
      return "failed";
    case search::TrialState::kStopped:
      return "stopped";
  }
  return "failed";
}

/// Of several values of a metric the best known: measured before emulated before predicted.
int rank(estimators::Origin origin) {
  switch (origin) {
    case estimators::Origin::kMeasured:
      return 3;
    case estimators::Origin::kExact:
      return 2;
    case estimators::Origin::kEmulated:
      return 1;
    case estimators::Origin::kPredicted:
      return 0;
  }
  return 0;
}

json objectives_json(const engine::Experiment& experiment) {
  json list = json::array();
  for (const engine::Objective& objective : experiment.objectives) {
    list.push_back({{"metric", objective.metric}, {"maximize", objective.maximize}});
  }
  return list;
}

json limits_json(const engine::Experiment& experiment) {
  json list = json::array();
  for (const engine::Limit& limit : experiment.limits) {
    list.push_back({{"metric", limit.metric}, {"bound", limit.bound}});
  }
  return list;
}

/// Those shown, in order: first what is taken in any case.
template <typename Preferred>
std::vector<const TrialRecord*> newest(const std::vector<TrialRecord>& trials, std::size_t most,
                                       const Preferred& preferred) {
  std::vector<const TrialRecord*> chosen;
  for (const bool wanted : {true, false}) {
    for (auto trial = trials.rbegin(); trial != trials.rend() && chosen.size() < most; ++trial) {
      if (preferred(*trial) == wanted) chosen.push_back(&*trial);
    }
  }
  std::ranges::sort(chosen, {}, [](const TrialRecord* trial) { return trial->id; });
  return chosen;
}

json trials_json(const std::vector<const TrialRecord*>& trials, const Front& front) {
  json ids = json::array(), states = json::array(), genotypes = json::array(),
       reasons = json::array();
  std::map<std::string, json> metrics;
  for (std::size_t row = 0; row < trials.size(); ++row) {
    const TrialRecord& trial = *trials[row];
    ids.push_back(trial.id);
    states.push_back(state_of(trial, front));
    genotypes.push_back(cut(spaces::to_string(trial.genotype), kMaxTextBytes));
    reasons.push_back(cut(trial.reason, kMaxTextBytes));
    for (const report::MetricValue& metric : trial.metrics) {
      auto [column, is_new] = metrics.try_emplace(metric.name);
      if (is_new) {
        const json nothing(std::vector<json>(trials.size()));
        column->second = {{"value", nothing}, {"deviation", nothing}, {"origin", nothing}};
      }
      json& origin = column->second["origin"][row];
      if (!origin.is_null() && origin.get<int>() > rank(metric.origin)) continue;
      origin = rank(metric.origin);
      column->second["value"][row] = metric.value;
      column->second["deviation"][row] = metric.standard_deviation;
    }
  }
  return {{"id", ids},
          {"state", states},
          {"genotype", genotypes},
          {"reason", reasons},
          {"metrics", metrics}};
}

json curves_json(const std::vector<TrialRecord>& trials, const Front& front) {
  std::vector<TrialRecord> with_curves;
  std::ranges::copy_if(trials, std::back_inserter(with_curves),
                       [](const TrialRecord& trial) { return !trial.curve.empty(); });
  json curves = json::array();
  for (const TrialRecord* trial : newest(with_curves, kMaxCurves, [&](const TrialRecord& one) {
         return !one.state || front.contains(one.id);
       })) {
    json points = json::array();
    for (const report::CurvePoint& point : trial->curve) {
      points.push_back(
          {point.epoch, point.train_loss, point.validation_loss, point.validation_top1});
    }
    curves.push_back(
        {{"id", trial->id}, {"state", state_of(*trial, front)}, {"points", std::move(points)}});
  }
  return curves;
}

}  // namespace

json run_json(const std::filesystem::path& run) {
  const engine::StoreReader store(run);
  const engine::Experiment experiment = engine::stored_experiment(store);
  const std::vector<TrialRecord> trials = store.trials();
  const search::ParetoArchive archive = engine::pareto_front(experiment, trials);
  Front front;
  for (const search::ParetoPoint& point : archive.points()) front.insert(point.id);
  json shown =
      trials_json(newest(trials, kMaxTrials,
                         [&](const TrialRecord& trial) { return front.contains(trial.id); }),
                  front);
  shown["total"] = trials.size();
  return {{"objectives", objectives_json(experiment)},
          {"limits", limits_json(experiment)},
          {"trials", std::move(shown)},
          {"curves", curves_json(trials, front)}};
}

}  // namespace hwnas::service
