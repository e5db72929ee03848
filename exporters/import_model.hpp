#pragma once

#include <filesystem>

#include "exporters/exporter.hpp"

namespace hwnas::exporters {

/// A user's model: .onnx (import_onnx) or .tflite (import_tflite), told by the name's extension;
/// its name is that of the file. In integers, `quantized` is set; of a .tflite in integers
/// `network` is its plain form (ir::as_network), without weights. Throws InvalidArgument for other
/// extensions and for what the importers refuse.
Model import_model(const std::filesystem::path& file);

}  // namespace hwnas::exporters
