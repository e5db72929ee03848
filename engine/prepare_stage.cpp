#include <algorithm>
#include <functional>

#include "core/error.hpp"
#include "core/rng.hpp"
#include "engine/costs.hpp"
#include "engine/stages.hpp"
#include "estimators/cost_model.hpp"
#include "search/cost_range.hpp"

namespace hwnas::engine {
namespace {

/// Most limits are kept by some of a few random networks, which is quick to see; the search for
/// the smallest network is not.
constexpr int kQuickSamples = 32;

using CostOf = std::function<double(const ir::Network&)>;

bool some_sample_keeps(const spaces::SearchSpace& space, const CostOf& cost_of, double bound,
                       std::uint64_t seed) {
  Rng rng(seed);
  for (int i = 0; i < kQuickSamples; ++i) {
    if (cost_of(space.decode(spaces::sample(space, rng))) <= bound) return true;
  }
  return false;
}

}  // namespace

void require_reachable_limits(const Experiment& experiment, const spaces::SearchSpace& space) {
  const estimators::RuntimeProfile& runtime = experiment.device.runtime(experiment.runtime);
  for (const Limit& limit : experiment.limits) {
    const auto model = estimators::make_cost_model(limit.metric, experiment.device, runtime);
    const CostOf cost_of = [&](const ir::Network& network) {
      const estimators::Estimate estimate = model->predict(network);
      return limited_value(limit, estimate.value, estimate.standard_deviation);
    };
    if (some_sample_keeps(space, cost_of, limit.bound, experiment.seed)) continue;
    const search::CostRange range = search::cost_range(space, cost_of, experiment.seed);
    if (range.min <= limit.bound) continue;
    throw error(ErrorCode::kFailedPrecondition,
                "limits.{}: no network of the space keeps {:.10g}; the smallest {} {:.10g} ({}): "
                "widen the limit, or give the space smaller choices",
                limit.metric, limit.bound, range.exact ? "has" : "found has", range.min,
                spaces::describe(space, range.argmin));
  }
}

}  // namespace hwnas::engine
