#include "compression/quantization_steps.hpp"

#include <fmt/format.h>

#include "compression/corrections.hpp"
#include "core/error.hpp"
#include "estimators/cost_model.hpp"

namespace hwnas::compression {

namespace {

/// Samples for second moments: their cost is that of a product of matrices each.
constexpr std::size_t kMomentSamples = 128;

std::vector<std::string> read_calibrators(const Config& config) {
  std::vector<std::string> known;
  for (const CalibratorInfo& row : calibrators()) known.emplace_back(row.name);
  std::vector<std::string> names;
  if (config.kind() == Config::Kind::kScalar) return {known[config.as_one_of(known)]};
  for (const Config& item : config.items()) names.push_back(known[item.as_one_of(known)]);
  if (names.empty()) config.fail("name at least one calibrator");
  return names;
}

/// A network rounded with one set of scales.
struct Attempt {
  ir::FoldedNetwork network;
  ir::QuantizedNetwork integers;
  double accuracy = 0;
};

Attempt attempt(ir::FoldedNetwork network, const ir::NetworkScales& scales,
                const std::map<std::string, InputMoments>& moments,
                const QuantizationOptions& options, const PassContext& context) {
  if (options.correct_biases) correct_biases(network, scales, moments);
  if (options.round_adaptively) round_adaptively(network, scales, moments);
  ir::QuantizedNetwork integers = quantized(network, scales);
  const double accuracy = context.accuracy(integers);
  return {std::move(network), std::move(integers), accuracy};
}

}  // namespace

const std::vector<std::string>& quantization_option_names() {
  static const std::vector<std::string> names = {
      "calibrators", "equalize",      "correct_biases",      "round_adaptively",
      "epochs",      "learning_rate", "distillation_weight", "accuracy_drop"};
  return names;
}

QuantizationOptions quantization_options(const Config& config, QuantizationOptions options) {
  if (const Config* const names = config.find("calibrators")) {
    options.calibrators = read_calibrators(*names);
  }
  options.equalize = config.bool_or("equalize", options.equalize);
  options.correct_biases = config.bool_or("correct_biases", options.correct_biases);
  options.round_adaptively = config.bool_or("round_adaptively", options.round_adaptively);
  FineTuneOptions& tune = options.fine_tune;
  tune.epochs = static_cast<int>(config.int_or("epochs", tune.epochs, 0, 10'000));
  tune.learning_rate = config.double_or("learning_rate", tune.learning_rate, 1e-9, 1000);
  tune.distillation_weight =
      config.double_or("distillation_weight", tune.distillation_weight, 0, 1);
  options.accuracy_drop = config.double_or("accuracy_drop", options.accuracy_drop, 0, 100);
  return options;
}

QuantizationResult quantize_network(const ir::FoldedNetwork& given, const BitWidths& widths,
                                    const QuantizationOptions& options,
                                    const PassContext& context) {
  ir::FoldedNetwork network = given;
  if (options.equalize) equalize(network);
  const ir::NetworkScales plan = plan_scales(network.network, widths);
  const std::vector<Histogram> observed = observe(network, plan, context.calibration);
  std::map<std::string, InputMoments> moments;
  if (options.correct_biases || options.round_adaptively) {
    Samples few = context.calibration;
    few.count = std::min(few.count, kMomentSamples);
    // Gram matrices serve the rounding alone.
    moments = input_moments(network, few, options.round_adaptively ? 2048 : 0);
  }

  std::optional<QuantizationResult> best;
  ir::NetworkScales best_scales;
  for (const std::string& name : options.calibrators) {
    const ir::NetworkScales scales = calibrated(network, plan, observed, name);
    Attempt tried = attempt(network, scales, moments, options, context);
    context.log(fmt::format("calibrated by {}: {:.2f} %", name, tried.accuracy));
    if (best && tried.accuracy <= best->accuracy) continue;
    best = {std::move(tried.network), std::move(tried.integers), tried.accuracy,
            "calibrated by " + name};
    best_scales = scales;
  }
  if (options.fine_tune.epochs > 0 && context.fine_tune && !context.stop.stop_requested()) {
    if (auto tuned = context.fine_tune(network, best_scales, options.fine_tune)) {
      network.weights = std::move(tuned->weights);
      ir::QuantizedNetwork integers = quantized(network, tuned->scales);
      const double accuracy = context.accuracy(integers);
      context.log(
          fmt::format("trained for {} epochs: {:.2f} %", options.fine_tune.epochs, accuracy));
      if (accuracy > best->accuracy) {
        best = {std::move(network), std::move(integers), accuracy, best->how + " and trained"};
      }
    }
  }
  return *std::move(best);
}

std::vector<LayerChange> layer_changes(const ir::QuantizedNetwork& network,
                                       const PassContext& context) {
  const ir::Network plain = ir::as_network(network);
  const auto per_layer = [&](std::string_view metric) {
    return estimators::make_cost_model(metric, *context.device, *context.runtime)
        ->predict(plain)
        .per_layer;
  };
  const std::vector<double> bytes = per_layer("flash_bytes");
  const std::vector<double> milliseconds = per_layer("latency_ms");
  std::vector<LayerChange> changes;
  std::size_t position = 0;  // in `plain`, where a fused activation is a layer of its own
  for (const ir::QuantizedLayer& layer : network.layers) {
    const std::size_t end = position + (layer.activation ? 2 : 1);
    double latency_ms = 0;
    for (std::size_t i = position; i < end; ++i) latency_ms += milliseconds[i];
    if (!layer.weight.empty()) {
      changes.push_back({.layer = layer.name,
                         .format = std::string(ir::info(layer.format).name),
                         .activation_bits = layer.output.bits,
                         .flash_bytes = bytes[position],
                         .latency_ms = latency_ms});
    }
    position = end;
  }
  return changes;
}

}  // namespace hwnas::compression
