#include "exporters/exporter.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>

#include "compression/integer_executor.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/sha256.hpp"
#include "core/text.hpp"
#include "exporters/c.hpp"
#include "exporters/c_run.hpp"
#include "exporters/deployed.hpp"
#include "exporters/onnx.hpp"
#include "exporters/tflite.hpp"

namespace hwnas::exporters {

namespace {

constexpr double kTolerance = 1e-4;  // of the largest output

std::vector<float> run_onnx(const std::filesystem::path& file, const std::vector<float>& input) {
  const Model read = import_onnx(file);
  return ir::run_reference(read.network, read.weights,
                           normalised(read.normalisation, read.network.input, input));
}

/// What an integer artifact is to compute, given the normalised input.
std::vector<float> run_integers(const ir::QuantizedNetwork& network,
                                ir::Requantization requantization,
                                const std::vector<float>& input) {
  const compression::IntegerExecutor executor(network, {.requantization = requantization});
  return ir::dequantize(network.layers.back().output,
                        executor.run(ir::quantize(network.input_quantization, input)));
}

std::vector<float> run_onnx_qdq(const std::filesystem::path& file,
                                const std::vector<float>& input) {
  const Model read = import_onnx(file);
  if (!read.quantized) throw invalid_argument("{}: is not in QDQ form", file.string());
  return run_integers(*read.quantized, ir::Requantization::kFloatRne,
                      normalised(read.normalisation, read.network.input, input));
}

constexpr ExporterInfo kExporters[] = {
    {"onnx", "ONNX, float32, opset 14, batch norm folded", ".onnx", write_onnx, run_onnx},
    {"onnx_qdq", "ONNX QDQ, integers between QuantizeLinear and DequantizeLinear", ".qdq.onnx",
     write_onnx_qdq, run_onnx_qdq, ir::Requantization::kFloatRne, true, true},
    {"tflite", "TensorFlow Lite, integers where the model is quantized, else float32", ".tflite",
     write_tflite, run_tflite, ir::Requantization::kTflDouble},
    {"c", "C99 for bare metal: int8, one static arena, no heap", ".c", write_c, run_c,
     ir::Requantization::kTflDouble, true, true},
};

const ExporterInfo& exporter_named(std::string_view format) {
  const auto row = std::ranges::find(kExporters, format, &ExporterInfo::name);
  if (row != std::end(kExporters)) return *row;
  std::vector<std::string> names;
  for (const ExporterInfo& exporter : kExporters) names.emplace_back(exporter.name);
  throw error(ErrorCode::kNotFound, "no export format '{}'{}; there are: {}", format,
              did_you_mean(format, names), fmt::join(names, ", "));
}

// The name becomes a file's name, so it must not lead out of the folder.
void require_file_name(const std::string& name) {
  constexpr std::string_view kAllowed =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
  if (name.empty() || name.front() == '.' ||
      name.find_first_not_of(kAllowed) != std::string::npos) {
    throw invalid_argument("model name '{}': use A-Z a-z 0-9 _ . - and no leading dot", name);
  }
}

/// What the artifact is to compute from raw inputs.
std::vector<std::vector<float>> expected_outputs(const Model& model, const ExporterInfo& exporter,
                                                 bool is_integer,
                                                 std::span<const std::vector<float>> probes) {
  const ir::FoldedNetwork reference = deployed(model);
  std::vector<std::vector<float>> outputs;
  for (const std::vector<float>& probe : probes) {
    const std::vector<float> input = normalised(model.normalisation, model.network.input, probe);
    outputs.push_back(is_integer ? run_integers(*model.quantized, *exporter.requantization, input)
                                 : ir::run_reference(reference.network, reference.weights, input));
  }
  return outputs;
}

/// Removes the file at the end of the scope.
struct TemporaryFile {
  std::filesystem::path path;
  ~TemporaryFile() {
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
  }
};

}  // namespace

std::span<const ExporterInfo> exporters() {
  return kExporters;
}

std::string_view format_of(const std::filesystem::path& file) {
  const ExporterInfo* best = nullptr;
  std::vector<std::string_view> extensions;
  for (const ExporterInfo& exporter : kExporters) {
    extensions.push_back(exporter.extension);
    const bool matches = file.filename().string().ends_with(exporter.extension);
    if (matches && (best == nullptr || exporter.extension.size() > best->extension.size())) {
      best = &exporter;
    }
  }
  if (best != nullptr) return best->name;
  throw error(ErrorCode::kNotFound, "{}: no export format ends so; there are: {}", file.string(),
              fmt::join(extensions, ", "));
}

void require_equal_outputs(const Model& model, std::string_view format,
                           const std::filesystem::path& file,
                           std::span<const std::vector<float>> probes) {
  const ExporterInfo& exporter = exporter_named(format);
  const bool is_integer = exporter.requantization && model.quantized;
  const bool takes_raw = !is_integer || exporter.integers_take_raw_input;
  const auto outputs = expected_outputs(model, exporter, is_integer, probes);
  double largest = 0;
  double difference = 0;
  for (std::size_t p = 0; p < probes.size(); ++p) {
    const std::vector<float>& expected = outputs[p];
    const std::vector<float> actual = exporter.run(
        file,
        takes_raw ? probes[p] : normalised(model.normalisation, model.network.input, probes[p]));
    if (actual.size() != expected.size()) {
      throw error(ErrorCode::kInternal, "{}: gives {} outputs, but the model has {}", file.string(),
                  actual.size(), expected.size());
    }
    for (std::size_t i = 0; i < expected.size(); ++i) {
      largest = std::max(largest, std::abs(double{expected[i]}));
      const double gap = std::abs(double{actual[i]} - expected[i]);
      difference =
          std::isnan(gap) ? std::numeric_limits<double>::infinity() : std::max(difference, gap);
    }
  }
  // Infinite outputs cannot be compared, so they are no better than different ones.
  if (!std::isfinite(difference) || difference > (is_integer ? 0 : kTolerance * largest)) {
    throw error(ErrorCode::kInternal,
                "{}: its outputs differ from the model's by up to {}, where the largest is {}",
                file.string(), difference, largest);
  }
}

Artifact export_model(const Model& model, std::string_view format,
                      const std::filesystem::path& folder,
                      std::span<const std::vector<float>> probes) {
  const ExporterInfo& exporter = exporter_named(format);
  require_file_name(model.name);
  if (probes.empty()) throw invalid_argument("export of '{}': no probes to verify it", model.name);
  std::filesystem::create_directories(folder);
  const std::filesystem::path file = folder / (model.name + std::string(exporter.extension));
  const TemporaryFile unverified{file.string() + ".unverified"};
  exporter.write(model, unverified.path);
  require_equal_outputs(model, format, unverified.path, probes);
  const std::string bytes = read_file(unverified.path, std::filesystem::file_size(unverified.path));
  write_file_atomically(file, bytes);
  return {.format = std::string(exporter.name),
          .file = file,
          .sha256 = sha256(bytes),
          .bytes = bytes.size()};
}

}  // namespace hwnas::exporters
