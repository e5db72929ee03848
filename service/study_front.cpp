#include "service/study_front.hpp"

#include <set>

#include "search/ranking.hpp"
#include "service/study_plan.hpp"

namespace hwnas::service {

std::vector<vizier::Trial> optimal_trials(const StudyReader& reader, const StudyName& name) {
  const StudyPlan plan(reader.study(name).study_spec());
  std::vector<std::string> ids;
  std::vector<double> objectives;
  reader.visit_trials(name, [&](const vizier::Trial& trial) {
    const std::vector<double> own = plan.result(trial).objectives;
    if (own.empty()) return;
    ids.push_back(trial.id());
    objectives.insert(objectives.end(), own.begin(), own.end());
  });
  if (ids.empty()) return {};
  const auto fronts = search::non_dominated_fronts(objectives, objectives.size() / ids.size());
  std::set<std::string> best;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (fronts[i] == 0) best.insert(ids[i]);
  }
  // Read again: of a large study only the front is held.
  std::vector<vizier::Trial> trials;
  reader.visit_trials(name, [&](const vizier::Trial& trial) {
    if (best.contains(trial.id())) trials.push_back(trial);
  });
  return trials;
}

}  // namespace hwnas::service
