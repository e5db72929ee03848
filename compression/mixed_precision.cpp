#include <fmt/format.h>

#include <algorithm>

#include "compression/allocators.hpp"
#include "compression/integer_executor.hpp"
#include "compression/pass_rows.hpp"
#include "compression/quantization_steps.hpp"
#include "compression/sensitivity.hpp"
#include "core/error.hpp"
#include "estimators/cost_model.hpp"

namespace hwnas::compression {

namespace {

/// Samples that sensitivities are measured on: groups x formats runs of the network each.
constexpr std::size_t kSensitivitySamples = 64;

double predicted(std::string_view metric, const ir::Network& network, const PassContext& context) {
  return estimators::make_cost_model(metric, *context.device, *context.runtime)
      ->predict(network)
      .value;
}

/// The network rounded as any choice of formats says, without what would take long.
class QuickRounding {
 public:
  QuickRounding(const ir::FoldedNetwork& network, const PrecisionSpace& space,
                const PassContext& context)
      : network_(network), space_(space), context_(context) {
    const ir::NetworkScales plan = plan_scales(network.network, {});
    observed_ = observe(network, plan, context.calibration);
  }

  /// Outputs for the first calibration samples, one after the other.
  std::vector<float> outputs(const std::vector<int>& choice) const {
    const ir::NetworkScales plan = plan_scales(network_.network, bit_widths(space_, choice));
    const ir::QuantizedNetwork integers =
        quantized(network_, calibrated(network_, plan, observed_, "mse"));
    const IntegerExecutor executor(integers, context_.runtime->arithmetic);
    std::vector<float> all;
    const std::size_t count = std::min(kSensitivitySamples, context_.calibration.count);
    for (std::size_t i = 0; i < count; ++i) {
      const auto output =
          executor.run(ir::quantize(integers.input_quantization, context_.calibration.at(i)));
      const auto real = ir::dequantize(integers.layers.back().output, output);
      all.insert(all.end(), real.begin(), real.end());
    }
    return all;
  }

 private:
  const ir::FoldedNetwork& network_;
  const PrecisionSpace& space_;
  const PassContext& context_;
  std::vector<Histogram> observed_;
};

/// A weight format for each layer: the least sensitive ones get few bits until all limits hold.
class MixedPrecision final : public CompressionPass {
 public:
  explicit MixedPrecision(const Config& config)
      : options_(quantization_options(config, {.fine_tune = {.epochs = 2}})) {
    std::vector<std::string> known = quantization_option_names();
    known.insert(known.end(), {"pass", "formats", "pinned", "allocator", "size_ratio",
                               "latency_ratio", "limits"});
    config.require_known_keys(known);
    read_formats(config);
    if (const Config* const pinned = config.find("pinned")) {
      for (const Config& item : pinned->items()) pinned_.push_back(item.as_string());
    }
    if (const Config* const name = config.find("allocator")) {
      std::vector<std::string> names;
      for (const AllocatorInfo& row : allocators()) names.emplace_back(row.name);
      allocator_ = names[name->as_one_of(names)];
    }
    size_ratio_ = config.double_or("size_ratio", 0, 1, 32);
    latency_ratio_ = config.double_or("latency_ratio", 0, 0.01, 1);
    if (const Config* const limits = config.find("limits")) {
      for (const std::string& metric : limits->keys()) {
        limits_.push_back({metric, limits->at(metric).as_double(1e-9, 1e18)});
      }
    }
  }

  std::string_view name() const override { return "mixed_precision"; }
  double accuracy_drop() const override { return options_.accuracy_drop; }

  CompressedModel apply(const CompressedModel& model, const PassContext& context,
                        PassReport& report) const override {
    const PrecisionSpace space = precision_space(model.network.network, formats_, pinned_);
    const SensitivityTable sensitivities = sensitivity_table(model.network, space, context);
    const AllocationProblem problem = allocation_problem(
        space, sensitivities, *context.device, *context.runtime, all_limits(space, context));
    AllocatorInputs inputs;
    inputs.haq.layers = haq_layers(space);
    const Allocation allocation = allocator(allocator_).allocate(problem, inputs);
    if (!allocation.feasible) {
      throw error(ErrorCode::kFailedPrecondition, "mixed_precision: {}", allocation.explanation);
    }
    const std::vector<int> choice(allocation.choice.begin(),
                                  allocation.choice.begin() + std::ssize(space.groups));
    QuantizationResult result =
        quantize_network(model.network, bit_widths(space, choice), options_, context);
    report.summary = describe(space, choice, allocation) + ", " + result.how;
    report.layers = layer_changes(result.integers, context);
    note_sensitivities(space, choice, sensitivities, report.layers);
    return {model.network, std::move(result.integers), result.accuracy};
  }

 private:
  void read_formats(const Config& config) {
    std::vector<std::string> known;
    for (const ir::WeightFormatInfo& row : ir::weight_formats()) known.emplace_back(row.name);
    const Config* const formats = config.find("formats");
    if (formats == nullptr) {
      formats_ = {{ir::WeightFormat::kInt8}, {ir::WeightFormat::kInt4}};
      return;
    }
    for (const Config& item : formats->items()) {
      formats_.push_back({ir::weight_formats()[item.as_one_of(known)].format});
    }
    if (formats_.size() < 2) formats->fail("give at least two formats, the most precise first");
  }

  SensitivityTable sensitivity_table(const ir::FoldedNetwork& network, const PrecisionSpace& space,
                                     const PassContext& context) const {
    const QuickRounding rounding(network, space, context);
    SensitivityInputs inputs;
    inputs.outputs = [&](const std::vector<int>& choice) { return rounding.outputs(choice); };
    inputs.weights = &network.weights;
    return measure_sensitivity("output_distance", space, inputs);
  }

  std::vector<AllocationLimit> all_limits(const PrecisionSpace& space,
                                          const PassContext& context) const {
    std::vector<AllocationLimit> limits;
    const auto add = [&](const std::string& metric, double bound) {
      // The activations' memory does not depend on the weights.
      if (metric != "peak_sram_bytes" && metric != "macs") limits.push_back({metric, bound});
    };
    for (const CostLimit& limit : context.limits) add(limit.metric, limit.bound);
    for (const CostLimit& limit : limits_) add(limit.metric, limit.bound);
    const ir::Network precise = with_precisions(space, std::vector<int>(space.groups.size(), 0));
    if (size_ratio_ > 0) {
      ir::Network real = precise;
      for (ir::Layer& layer : real.layers) layer.precision = {32, 32};
      add("flash_bytes", predicted("flash_bytes", real, context) / size_ratio_);
    }
    if (latency_ratio_ > 0) {
      add("latency_ms", predicted("latency_ms", precise, context) * latency_ratio_);
    }
    return limits;
  }

  std::string describe(const PrecisionSpace& space, const std::vector<int>& choice,
                       const Allocation& allocation) const {
    std::vector<int> layers(formats_.size());
    for (std::size_t group = 0; group < choice.size(); ++group) {
      layers[choice[group]] += static_cast<int>(space.groups[group].size());
    }
    std::string text;
    for (std::size_t i = 0; i < formats_.size(); ++i) {
      text += fmt::format("{}{} layers of {}", i == 0 ? "" : ", ", layers[i],
                          ir::info(formats_[i].format).name);
    }
    return text + (allocation.optimal ? ", proven best for the measured sensitivities"
                                      : fmt::format(", gap {:.2g}", allocation.gap()));
  }

  static void note_sensitivities(const PrecisionSpace& space, const std::vector<int>& choice,
                                 const SensitivityTable& table, std::vector<LayerChange>& layers) {
    for (std::size_t group = 0; group < choice.size(); ++group) {
      for (const int layer : space.groups[group]) {
        const auto found =
            std::ranges::find(layers, space.network.layers[layer].name, &LayerChange::layer);
        if (found != layers.end()) found->sensitivity = table[group][choice[group]];
      }
    }
  }

  QuantizationOptions options_;
  std::vector<PrecisionOption> formats_;
  std::vector<std::string> pinned_;
  std::string allocator_ = "exact";
  double size_ratio_ = 0;     ///< float bytes over compressed bytes, at least; 0: no such limit
  double latency_ratio_ = 0;  ///< of the latency with the first format, at most; 0: no such limit
  std::vector<CostLimit> limits_;
};

}  // namespace

std::unique_ptr<CompressionPass> make_mixed_precision(const Config& options) {
  return std::make_unique<MixedPrecision>(options);
}

}  // namespace hwnas::compression
