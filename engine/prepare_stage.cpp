#include <algorithm>

#include "core/error.hpp"
#include "core/rng.hpp"
#include "engine/stages.hpp"
#include "estimators/cost_model.hpp"
#include "search/cost_range.hpp"

namespace hwnas::engine {
namespace {

/// Most limits are kept by some of a few random networks, which is quick to see; the search for
/// the smallest network is not.
constexpr int kQuickSamples = 32;

bool some_sample_keeps(const spaces::SearchSpace& space, const estimators::CostModel& model,
                       double bound, std::uint64_t seed) {
  Rng rng(seed);
  for (int i = 0; i < kQuickSamples; ++i) {
    if (model.predict(space.decode(spaces::sample(space, rng))).value <= bound) return true;
  }
  return false;
}

}  // namespace

void require_reachable_limits(const Experiment& experiment, const spaces::SearchSpace& space) {
  const estimators::RuntimeProfile& runtime = experiment.device.runtime(experiment.runtime);
  for (const Limit& limit : experiment.limits) {
    const auto model = estimators::make_cost_model(limit.metric, experiment.device, runtime);
    if (some_sample_keeps(space, *model, limit.bound, experiment.seed)) continue;
    const search::CostRange range = search::cost_range(
        space, [&](const ir::Network& network) { return model->predict(network).value; },
        experiment.seed);
    if (range.min <= limit.bound) continue;
    throw error(ErrorCode::kFailedPrecondition,
                "limits.{}: no network of the space keeps {:.10g}; the smallest {} {:.10g} ({}): "
                "widen the limit, or give the space smaller choices",
                limit.metric, limit.bound, range.exact ? "has" : "found has", range.min,
                spaces::describe(space, range.argmin));
  }
}

}  // namespace hwnas::engine
