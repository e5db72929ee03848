#include "service/metrics.hpp"

#include <prometheus/text_serializer.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "service/log.hpp"

namespace hwnas::service {
namespace {

using prometheus::ClientMetric;
using prometheus::Histogram;
using prometheus::MetricFamily;
using prometheus::MetricType;

// From a read in the page cache to a Watch of a minute; longer ones are all alike.
const Histogram::BucketBoundaries kRpcSeconds{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                              0.1,    0.25,  0.5,    1,     2.5,  10,    60};
// From a sync of a good disk (0.1 ms) to one that hangs.
const Histogram::BucketBoundaries kCommitSeconds{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005,
                                                 0.01,   0.025,   0.05,   0.1,   0.25,   1};

class Number final : public prometheus::Collectable {
 public:
  Number(std::string name, std::string help, std::function<double()> value)
      : name_(std::move(name)), help_(std::move(help)), value_(std::move(value)) {}

  std::vector<MetricFamily> Collect() const override {
    MetricFamily family = metric_family(name_, help_);
    add_sample(family, {}, value_());
    return {std::move(family)};
  }

 private:
  const std::string name_;
  const std::string help_;
  const std::function<double()> value_;
};

}  // namespace

MetricFamily metric_family(std::string name, std::string help) {
  MetricFamily family;
  family.type = name.ends_with("_total") ? MetricType::Counter : MetricType::Gauge;
  family.name = std::move(name);
  family.help = std::move(help);
  return family;
}

void add_sample(MetricFamily& family, const std::vector<ClientMetric::Label>& labels,
                double value) {
  ClientMetric& sample = family.metric.emplace_back();
  sample.label = labels;
  if (family.type == MetricType::Counter) {
    sample.counter.value = value;
  } else {
    sample.gauge.value = value;
  }
}

Metrics::Metrics() : registry_(std::make_shared<prometheus::Registry>()) {
  rpc_duration_ = &prometheus::BuildHistogram()
                       .Name("hwnas_rpc_duration_seconds")
                       .Help("From a call's arrival to its status, streams included")
                       .Register(*registry_);
  commit_seconds_ = &prometheus::BuildHistogram()
                         .Name("hwnas_store_commit_seconds")
                         .Help("Of one transaction of the store, with its sync")
                         .Register(*registry_)
                         .Add({}, kCommitSeconds);
  sources_.push_back({registry_});
}

Histogram& Metrics::rpc_duration(const std::string& method, const std::string& code) {
  return rpc_duration_->Add({{"method", method}, {"code", code}}, kRpcSeconds);
}

void Metrics::add(const std::string& name, const std::string& help, std::function<double()> value) {
  sources_.push_back({std::make_shared<Number>(name, help, std::move(value))});
}

void Metrics::add(std::shared_ptr<prometheus::Collectable> source, bool secret) {
  sources_.push_back({std::move(source), secret});
}

std::string Metrics::text(bool with_secret) const {
  std::vector<MetricFamily> families;
  for (const Source& source : sources_) {
    if (source.secret && !with_secret) continue;
    try {
      auto more = source.collectable->Collect();
      std::move(more.begin(), more.end(), std::back_inserter(families));
    } catch (const std::exception& failure) {
      log_event(LogLevel::kWarning, "metrics_left_out", {{"message", failure.what()}});
    }
  }
  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, families);
  return text.str();
}

}  // namespace hwnas::service
