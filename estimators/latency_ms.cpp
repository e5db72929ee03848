#include <algorithm>
#include <array>

#include "estimators/cost_models.hpp"
#include "estimators/deployment.hpp"
#include "estimators/latency_model.hpp"

namespace hwnas::estimators {

namespace {

/// Sum over the kernels that the runtime executes of
///   max(compute, bytes / memory bandwidth) + overhead,
/// the roofline of Williams, Waterman and Patterson (2009) with the rates that a runtime attains:
///   compute = macs / mac rate at the layer's precision (+ outputs / output rate, for convolutions)
/// or elements / element rate for kernels without weights. Kernels run one after another. What is
/// fused costs nothing of its own.
class LatencyMs final : public CostModel {
 public:
  LatencyMs(const DeviceProfile& device, const RuntimeProfile& runtime)
      : ms_per_output_(runtime.outputs_per_second ? 1e3 / runtime.outputs_per_second->value : 0),
        elements_per_ms_(runtime.elements_per_second.value / 1e3),
        bytes_per_ms_(device.memory_bytes_per_second.value / 1e3),
        overhead_ms_(runtime.layer_overhead_us.value / 1e3),
        relative_sd_(runtime.latency_relative_sd.value),
        fusion_(runtime.fusion) {
    for (const KernelClass kind : kWithWeights) {
      measured_[static_cast<std::size_t>(kind)] = runtime.mac_rate(to_string(kind)) / 1e3;
      for (const KernelRow& row : runtime.kernels) {
        if (!row.macs_per_second) continue;
        rows_.push_back({.kind = kind,
                         .precision = row.precision,
                         .macs_per_ms = runtime.mac_rate(to_string(kind), row.precision) / 1e3});
      }
    }
  }

  std::string_view metric() const override { return "latency_ms"; }

  Estimate predict(const ir::Network& network) const override {
    const std::vector<Kernel> work = kernels(network, fusion_);
    Estimate estimate{.origin = Origin::kPredicted,
                      .per_layer = std::vector<double>(network.layers.size())};
    for (std::size_t i = 0; i < work.size(); ++i) {
      const double milliseconds = time_of(work[i], network.layers[i].precision);
      estimate.per_layer[i] = milliseconds;
      estimate.value += milliseconds;
    }
    estimate.standard_deviation = relative_sd_ * estimate.value;
    return estimate;
  }

 private:
  static constexpr std::array kWithWeights = {KernelClass::kConv, KernelClass::kPointwise,
                                              KernelClass::kDepthwise, KernelClass::kLinear};
  struct Rate {
    KernelClass kind;
    ir::Precision precision;
    double macs_per_ms;
  };

  double time_of(const Kernel& kernel, const ir::Precision& precision) const {
    if (kernel.kind == KernelClass::kNone) return 0;
    const double memory = static_cast<double>(kernel.bytes) / bytes_per_ms_;
    return std::max(compute_time(kernel, precision), memory) + overhead_ms_;
  }

  double compute_time(const Kernel& kernel, const ir::Precision& precision) const {
    if (kernel.kind == KernelClass::kElementwise) {
      return static_cast<double>(kernel.elements) / elements_per_ms_;
    }
    const double macs = static_cast<double>(kernel.macs) / macs_per_ms(kernel.kind, precision);
    if (kernel.kind == KernelClass::kLinear) return macs;
    return macs + static_cast<double>(kernel.outputs) * ms_per_output_;
  }

  double macs_per_ms(KernelClass kind, const ir::Precision& precision) const {
    for (const Rate& rate : rows_) {
      if (rate.kind == kind && rate.precision == precision) return rate.macs_per_ms;
    }
    return measured_[static_cast<std::size_t>(kind)];
  }

  std::array<double, kWithWeights.size()> measured_{};
  std::vector<Rate> rows_;  ///< of kernels with rates of their own
  double ms_per_output_;
  double elements_per_ms_;
  double bytes_per_ms_;
  double overhead_ms_;
  double relative_sd_;
  FusionRules fusion_;
};

/// What was learned from measurements, on top of the profile's rates.
class LearnedLatencyMs final : public CostModel {
 public:
  LearnedLatencyMs(const DeviceProfile& device, const RuntimeProfile& runtime)
      : rates_(device, runtime), model_(runtime.latency_model) {}

  std::string_view metric() const override { return "latency_ms"; }

  Estimate predict(const ir::Network& network) const override {
    return model_->predict(network, rates_.predict(network));
  }

 private:
  LatencyMs rates_;
  std::shared_ptr<const LatencyModel> model_;
};

}  // namespace

std::unique_ptr<CostModel> make_latency_ms(const DeviceProfile& device,
                                           const RuntimeProfile& runtime) {
  if (runtime.latency_model != nullptr) {
    return std::make_unique<LearnedLatencyMs>(device, runtime);
  }
  return std::make_unique<LatencyMs>(device, runtime);
}

}  // namespace hwnas::estimators
