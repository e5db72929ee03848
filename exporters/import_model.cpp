#include "exporters/import_model.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "exporters/onnx.hpp"
#include "exporters/tflite.hpp"

namespace hwnas::exporters {

namespace {

Model model_of(TfliteNetwork read) {
  Model model;
  if (auto* const integers = std::get_if<ir::QuantizedNetwork>(&read)) {
    model.network = ir::as_network(*integers);
    model.quantized = std::move(*integers);
  } else {
    auto& folded = std::get<ir::FoldedNetwork>(read);
    model.network = std::move(folded.network);
    model.weights = std::move(folded.weights);
  }
  return model;
}

/// The file's name as export_model takes it.
std::string model_name(const std::filesystem::path& file) {
  std::string name = file.stem().string();
  std::ranges::replace_if(
      name,
      [](unsigned char c) { return std::isalnum(c) == 0 && c != '_' && c != '.' && c != '-'; },
      '_');
  return name.empty() || name.front() == '.' ? "model" + name : name;
}

}  // namespace

Model import_model(const std::filesystem::path& file) {
  Model model;
  if (file.extension() == ".onnx") {
    model = import_onnx(file);
  } else if (file.extension() == ".tflite") {
    model = model_of(import_tflite(file));
  } else {
    throw invalid_argument("{}: models are read from .onnx and .tflite", file.string());
  }
  model.name = model_name(file);
  return model;
}

}  // namespace hwnas::exporters
