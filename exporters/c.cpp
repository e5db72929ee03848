#include "exporters/c.hpp"

#include "compression/integer_executor.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "exporters/c_header.hpp"
#include "exporters/c_writer.hpp"
#include "ir/overloaded.hpp"

namespace hwnas::exporters {

namespace {

bool is_clamp(const ir::Activation& activation) {
  return activation.kind == ir::ActivationKind::kRelu ||
         activation.kind == ir::ActivationKind::kRelu6;
}

void require_exportable(const Model& model, ir::Requantization mode) {
  if (!model.quantized) {
    throw invalid_argument("model '{}': the C export takes a quantized network; quantize it first",
                           model.name);
  }
  if (!is_plain_name(model.name)) {
    throw invalid_argument("model name '{}': use A-Z a-z 0-9 _ . - and no leading dot", model.name);
  }
  if (mode != ir::Requantization::kTflDouble && mode != ir::Requantization::kTflSingle) {
    throw invalid_argument("model '{}': the C export rounds by tfl_double or tfl_single, not {}",
                           model.name, ir::to_string(mode));
  }
  ir::verify(*model.quantized);
  for (const ir::QuantizedLayer& layer : model.quantized->layers) {
    if (layer.output.bits != 8) {
      throw invalid_argument("layer '{}': the C export has kernels for activations of 8 bits only",
                             layer.name);
    }
  }
  if (model.quantized->input_quantization.bits != 8) {
    throw invalid_argument("model '{}': the C export takes inputs of 8 bits only", model.name);
  }
}

std::int64_t constant_bytes(const ir::QuantizedLayer& layer) {
  constexpr std::int64_t kPerChannel = 4 + 4 + 1;  // bias, multiplier, shift
  const auto weights = [&](std::int64_t channels) {
    return (std::ssize(layer.weight) * ir::info(layer.format).bits + 7) / 8 +
           kPerChannel * channels;
  };
  return std::visit(
      ir::overloaded{[&](const ir::Conv2d& conv) { return weights(conv.out_channels); },
                     [&](const ir::Linear& linear) { return weights(linear.out_features); },
                     [](const ir::Activation& activation) {
                       return std::int64_t{is_clamp(activation) ? 0 : 256};
                     },
                     [](const ir::Softmax&) { return std::int64_t{4 * 256}; },
                     [](const auto&) { return std::int64_t{0}; }},
      layer.op);
}

}  // namespace

CSource c_source(const Model& model, ir::Requantization requantization) {
  require_exportable(model, requantization);
  // The simulation refuses what the arithmetic cannot express.
  compression::IntegerExecutor(*model.quantized, {.requantization = requantization});
  return written_c(model, requantization);
}

std::int64_t c_constant_bytes(const ir::QuantizedNetwork& network) {
  std::int64_t bytes = 0;
  for (const ir::QuantizedLayer& layer : network.layers) bytes += constant_bytes(layer);
  return bytes;
}

void write_c(const Model& model, const std::filesystem::path& file) {
  const CSource text = c_source(model);
  write_file_atomically(file.parent_path() / (model.name + ".h"), text.header);
  write_file_atomically(file, text.source);
}

}  // namespace hwnas::exporters
