#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "compression/quantizer.hpp"
#include "core/config.hpp"
#include "estimators/device.hpp"

namespace hwnas::compression {

/// Training with simulated rounding, for a pass that wants it.
struct FineTuneOptions {
  int epochs = 1;
  double learning_rate = 0.01;
  double distillation_weight = 0.5;  ///< of the float network's answers in the loss
};
struct FineTuned {
  ir::Weights weights;
  ir::NetworkScales scales;
};
/// Nothing if it diverged or was stopped.
using FineTune = std::function<std::optional<FineTuned>(
    const ir::FoldedNetwork& network, const ir::NetworkScales& start, const FineTuneOptions&)>;

/// A cost that the deployed network must not exceed.
struct CostLimit {
  std::string metric;  ///< "flash_bytes", "latency_ms", …
  double bound = 0;
};

/// What passes work with. Functions may be called from one thread at a time.
struct PassContext {
  Samples calibration;  ///< of the training split
  /// Validation accuracy in percent, in the target's integers.
  std::function<double(const ir::QuantizedNetwork&)> accuracy;
  double float_accuracy = 0;  ///< of the float network, on the same samples
  const estimators::DeviceProfile* device = nullptr;
  const estimators::RuntimeProfile* runtime = nullptr;
  std::vector<CostLimit> limits;
  FineTune fine_tune = {};  ///< empty: no training here
  std::function<void(const std::string&)> log = [](const std::string&) {};
  std::stop_token stop = {};
};

/// What a pass did to one layer with weights.
struct LayerChange {
  std::string layer;
  std::string format;       ///< "int8", "int4", …
  int activation_bits = 8;  ///< of its output
  double sensitivity = 0;   ///< mean squared change of the network's output, over its mean square,
                            ///< when this layer alone is rounded so; 0 where it was not measured
  double flash_bytes = 0;
  double latency_ms = 0;
};

/// A network on its way to integers.
struct CompressedModel {
  ir::FoldedNetwork network;  ///< lowered, float
  std::optional<ir::QuantizedNetwork> integers;
  double accuracy = 0;  ///< of `integers` if there are any, else of the float network
};

/// What came of one pass.
struct PassReport {
  std::string pass;
  bool accepted = false;
  double accuracy_before = 0;
  double accuracy_after = 0;  ///< also where it was not accepted
  double seconds = 0;
  std::string summary;  ///< one line: what was chosen, or why it was rolled back
  std::vector<LayerChange> layers = {};
};

/// One step of compression. Immutable.
class CompressionPass {
 public:
  virtual ~CompressionPass() = default;
  virtual std::string_view name() const = 0;
  /// The model changed, and what there is to say. Throws InvalidArgument where the network cannot
  /// be expressed, FailedPrecondition where limits cannot be met.
  virtual CompressedModel apply(const CompressedModel& model, const PassContext& context,
                                PassReport& report) const = 0;
  /// Percentage points of validation accuracy, of the float network's, that may be lost.
  virtual double accuracy_drop() const = 0;
};

struct PassInfo {
  std::string_view name;
  std::string_view summary;
  std::unique_ptr<CompressionPass> (*make)(const Config& options);
};
/// All passes.
std::span<const PassInfo> passes();

/// `options`: a map with the pass's name under "pass". Throws InvalidArgument with its place for
/// unknown names, keys and values.
std::unique_ptr<CompressionPass> make_pass(const Config& options);

/// What a list of passes made of a network.
struct Compression {
  CompressedModel model;
  std::vector<PassReport> reports;
};

/// Applies passes in order. A pass that loses more accuracy than it may is rolled back: the model
/// goes on as it was. Stops between passes when asked to.
Compression compress(const ir::Network& network, const ir::Weights& weights,
                     std::span<const std::unique_ptr<CompressionPass>> passes,
                     const PassContext& context);

}  // namespace hwnas::compression
