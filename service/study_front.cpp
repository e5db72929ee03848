#include "service/study_front.hpp"

#include <set>

#include "search/pareto.hpp"
#include "service/study_plan.hpp"

namespace hwnas::service {
namespace {

/// Empty for trials that do not count.
std::vector<double> objectives_of(const StudyPlan& plan, const vizier::Trial& trial) {
  return plan.result(trial).objectives;
}

}  // namespace

std::vector<vizier::Trial> optimal_trials(const StudyReader& reader, const StudyName& name) {
  const StudyPlan plan(reader.study(name).study_spec());
  search::ParetoArchive front;
  reader.visit_trials(name, [&](const vizier::Trial& trial) {
    std::vector<double> objectives = objectives_of(plan, trial);
    if (!objectives.empty()) front.insert({std::stoull(trial.id()), std::move(objectives)});
  });
  std::set<std::vector<double>> best;
  for (const search::ParetoPoint& point : front.points()) best.insert(point.objectives);
  // Read again: of a large study only the front is held, which keeps one trial of equal ones.
  std::vector<vizier::Trial> trials;
  reader.visit_trials(name, [&](const vizier::Trial& trial) {
    if (best.contains(objectives_of(plan, trial))) trials.push_back(trial);
  });
  return trials;
}

}  // namespace hwnas::service
