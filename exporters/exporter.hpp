#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/dataset.hpp"
#include "ir/quantized_network.hpp"
#include "ir/weights.hpp"

#include <nlohmann/json_fwd.hpp>

namespace hwnas::exporters {

/// A trained network and what a consumer needs beside it.
struct Model {
  std::string name;
  ir::Network network;  ///< as trained: batch norms not folded
  ir::Weights weights;
  data::Normalisation normalisation;
  std::vector<std::string> class_names;
  /// The same network in integers, where it was quantized; reads the normalised input.
  std::optional<ir::QuantizedNetwork> quantized = {};
};

/// What an exporter wrote.
struct Artifact {
  std::string format;  ///< registry name
  std::filesystem::path file;
  std::string sha256;
  std::uintmax_t bytes = 0;
};

struct ExporterInfo {
  std::string_view name;
  std::string_view summary;
  std::string_view extension;  ///< ".onnx"
  void (*write)(const Model& model, const std::filesystem::path& file);
  /// Reads the file back and runs it on one input (NCHW, raw data scaled to 0..1 for bytes, as the
  /// artifact expects); for verification.
  std::vector<float> (*run)(const std::filesystem::path& file, const std::vector<float>& input);
  /// How the runtimes of its integer artifacts requantize. Nothing: it writes floats, whether or
  /// not the model is quantized.
  std::optional<ir::Requantization> requantization = {};
  /// Whether integer artifacts take raw data, too; otherwise the normalised input.
  bool integers_take_raw_input = false;
  /// Whether only quantized models can be written.
  bool needs_integers = false;
};
/// All exporters.
std::span<const ExporterInfo> exporters();

/// The format with the longest extension that the file's name ends in. Throws NotFound listing the
/// extensions there are.
std::string_view format_of(const std::filesystem::path& file);

/// Reads a file of the format back, and compares its outputs on `probes` (raw inputs) with the
/// model's own on the normalised probe: those of the integer executor where integers were written,
/// else of ir::run_reference and the deployed network. Throws Internal when an output is not finite
/// or differs: of integers at all, of floats by more than 1e-4 of the largest; NotFound for an
/// unknown format; what the file's reader throws.
void require_equal_outputs(const Model& model, std::string_view format,
                           const std::filesystem::path& file,
                           std::span<const std::vector<float>> probes);

/// Writes "<folder>/<model.name><extension>", making the folder. The file is written aside and must
/// pass require_equal_outputs; only then is it synced and put in place. Throws what that throws,
/// leaving what was there; NotFound for an unknown format; InvalidArgument without probes, for a
/// name that is not of A-Z a-z 0-9 _ . - (no leading dot), and for weights or a normalisation that
/// do not fit or are not finite.
Artifact export_model(const Model& model, std::string_view format,
                      const std::filesystem::path& folder,
                      std::span<const std::vector<float>> probes);

}  // namespace hwnas::exporters
