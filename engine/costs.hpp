#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/experiment.hpp"
#include "estimators/cost_model.hpp"
#include "estimators/rate_correction.hpp"
#include "report/run_summary.hpp"

namespace hwnas::engine {

/// What deployment of one network costs, and by how much it breaks the limits.
struct Costs {
  std::vector<report::MetricValue> metrics;
  double violation = 0;  ///< see search::Trial
  std::string reason;    ///< every broken limit with value and bound; empty when feasible
};

/// All cost models of a device and runtime beside the limits of an experiment. Predicting is
/// thread-safe, learning is not.
class CostModels {
 public:
  explicit CostModels(const Experiment& experiment);

  /// Takes a measured latency of a network into all later predictions of latency and, since power
  /// is what it was, of energy.
  void learn(const ir::Network& network, double latency_ms);

  Costs predict(const ir::Network& network) const;
  /// metric -> one value a layer; for costs that are sums over layers.
  std::map<std::string, std::vector<double>> per_layer(const ir::Network& network) const;

  const std::vector<std::unique_ptr<estimators::CostModel>>& models() const { return models_; }

 private:
  const estimators::CostModel& latency() const;
  estimators::Estimate predict(const estimators::CostModel& model,
                               const ir::Network& network) const;

  std::vector<std::unique_ptr<estimators::CostModel>> models_;
  std::vector<Limit> limits_;
  estimators::RateCorrection correction_;
};

/// The value that the limit is held against: what the cost stays under with the limit's confidence.
double limited_value(const Limit& limit, double value, double standard_deviation);

/// "peak_sram_bytes 81920 > 64000"
std::string describe_excess(const std::string& metric, double value, double bound);

}  // namespace hwnas::engine
