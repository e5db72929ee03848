#pragma once

#include <prometheus/collectable.h>
#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace hwnas::service {

/// What the daemon measures of itself, in Prometheus' text format (0.0.4). Names begin with
/// "hwnas_" (those of the process with "process_", as everywhere), in base units; no label is an
/// id. Thread-safe.
class Metrics {
 public:
  using Seconds = std::chrono::duration<double>;

  Metrics();

  /// hwnas_rpc_duration_seconds{method, code}. `method` must be one of few.
  prometheus::Histogram& rpc_duration(const std::string& method, const std::string& code);
  /// hwnas_store_commit_seconds.
  void observe_commit(Seconds duration) { commit_seconds_->Observe(duration.count()); }

  /// A number that is asked for when it is collected: a counter if the name ends with "_total",
  /// otherwise a gauge. `value` is called on any thread, and may be slow. Before anything is
  /// collected.
  void add(const std::string& name, const std::string& help, std::function<double()> value);
  /// More of them at once. Those of `secret` are given to the operator only.
  void add(std::shared_ptr<prometheus::Collectable> source, bool secret = false);

  /// All there is now. What cannot be collected (the store's, when its disk fails) is left out.
  std::string text(bool with_secret) const;

 private:
  struct Source {
    std::shared_ptr<prometheus::Collectable> collectable;
    bool secret = false;
  };

  std::shared_ptr<prometheus::Registry> registry_;
  prometheus::Family<prometheus::Histogram>* rpc_duration_ = nullptr;
  prometheus::Histogram* commit_seconds_ = nullptr;
  std::vector<Source> sources_;
};

/// A family of one type, to which samples are added.
prometheus::MetricFamily metric_family(std::string name, std::string help);
/// Names ending with "_total" are counters.
void add_sample(prometheus::MetricFamily& family,
                const std::vector<prometheus::ClientMetric::Label>& labels, double value);

}  // namespace hwnas::service
