#include <algorithm>

#include "estimators/cost_models.hpp"
#include "estimators/deployment.hpp"

namespace hwnas::estimators {

namespace {

/// Sum over the kernels of the deployed network of
///   max(compute, bytes / memory bandwidth) + overhead,
/// the roofline of Williams, Waterman and Patterson (2009) with the rates that a runtime attains:
///   compute = macs / mac rate (+ outputs / output rate, for convolutions)
/// or elements / element rate for kernels without weights. Kernels run one after another. What is
/// fused costs nothing of its own.
class LatencyMs final : public CostModel {
 public:
  LatencyMs(const DeviceProfile& device, const RuntimeProfile& runtime)
      : conv_macs_per_ms_(runtime.mac_rate("conv") / 1e3),
        depthwise_macs_per_ms_(runtime.mac_rate("depthwise") / 1e3),
        linear_macs_per_ms_(runtime.mac_rate("linear") / 1e3),
        ms_per_output_(runtime.outputs_per_second ? 1e3 / runtime.outputs_per_second->value : 0),
        elements_per_ms_(runtime.elements_per_second.value / 1e3),
        bytes_per_ms_(device.memory_bytes_per_second.value / 1e3),
        overhead_ms_(runtime.layer_overhead_us.value / 1e3),
        relative_sd_(runtime.latency_relative_sd.value) {}

  std::string_view metric() const override { return "latency_ms"; }

  Estimate predict(const ir::Network& network) const override {
    const Deployment deployed = deploy(network);
    const std::vector<Kernel> work = kernels(deployed.network);
    Estimate estimate{.origin = Origin::kPredicted,
                      .per_layer = std::vector<double>(network.layers.size())};
    for (std::size_t i = 0; i < work.size(); ++i) {
      const double milliseconds = time_of(work[i]);
      estimate.per_layer[deployed.origin[i]] = milliseconds;
      estimate.value += milliseconds;
    }
    estimate.standard_deviation = relative_sd_ * estimate.value;
    return estimate;
  }

 private:
  double time_of(const Kernel& kernel) const {
    if (kernel.kind == KernelClass::kNone) return 0;
    const double memory = static_cast<double>(kernel.bytes) / bytes_per_ms_;
    return std::max(compute_time(kernel), memory) + overhead_ms_;
  }

  double compute_time(const Kernel& kernel) const {
    const auto macs = static_cast<double>(kernel.macs);
    const double outputs = static_cast<double>(kernel.outputs) * ms_per_output_;
    switch (kernel.kind) {
      case KernelClass::kConv:
        return macs / conv_macs_per_ms_ + outputs;
      case KernelClass::kDepthwise:
        return macs / depthwise_macs_per_ms_ + outputs;
      case KernelClass::kLinear:
        return macs / linear_macs_per_ms_;
      case KernelClass::kElementwise:
        return static_cast<double>(kernel.elements) / elements_per_ms_;
      case KernelClass::kNone:
        break;
    }
    return 0;
  }

  double conv_macs_per_ms_;
  double depthwise_macs_per_ms_;
  double linear_macs_per_ms_;
  double ms_per_output_;
  double elements_per_ms_;
  double bytes_per_ms_;
  double overhead_ms_;
  double relative_sd_;
};

}  // namespace

std::unique_ptr<CostModel> make_latency_ms(const DeviceProfile& device,
                                           const RuntimeProfile& runtime) {
  return std::make_unique<LatencyMs>(device, runtime);
}

}  // namespace hwnas::estimators
