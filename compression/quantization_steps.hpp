#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compression/pass.hpp"

namespace hwnas::compression {

/// How a pass brings a float network to integers of given widths.
struct QuantizationOptions {
  std::vector<std::string> calibrators = {"mse", "min_max", "percentile", "kl"};
  bool equalize = false;
  bool correct_biases = true;
  bool round_adaptively = false;
  FineTuneOptions fine_tune = {.epochs = 0};  ///< 0 epochs: none
  double accuracy_drop = 1;
};
/// The keys of quantization options in YAML, and those options; other keys of the map are the
/// caller's.
const std::vector<std::string>& quantization_option_names();
QuantizationOptions quantization_options(const Config& config, QuantizationOptions defaults);

struct QuantizationResult {
  ir::FoldedNetwork network;  ///< the float network that was rounded: equalized, corrected, trained
  ir::QuantizedNetwork integers;
  double accuracy = 0;
  std::string how;  ///< "calibrated by mse", "… and trained"
};

/// Calibrates by each calibrator and keeps the best on validation data; then trains, if asked to
/// and if the context can, and keeps that if it is better.
QuantizationResult quantize_network(const ir::FoldedNetwork& network, const BitWidths& widths,
                                    const QuantizationOptions& options, const PassContext& context);

/// Format, bytes and milliseconds of every layer with weights.
std::vector<LayerChange> layer_changes(const ir::QuantizedNetwork& network,
                                       const PassContext& context);

}  // namespace hwnas::compression
