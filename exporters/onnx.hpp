#pragma once

#include <filesystem>
#include <vector>

#include "exporters/exporter.hpp"

namespace hwnas::exporters {

/// The opset that is written, the first with HardSwish, and the format version that goes with it.
inline constexpr int kOnnxOpset = 14;
inline constexpr int kOnnxIrVersion = 7;

/// Writes `deployed(model)` in float32: input "input" [batch, channels, height, width], output
/// "logits" [batch, classes] ([batch, channels, height, width] if the network ends in a map). The
/// first nodes normalise, so that the input is raw data (bytes scaled to 0..1). A node has its
/// layer's name; what a layer needs besides is named "<layer>:<what>". ReLU6 is Clip, additions of
/// more than two terms are chains, and a Zero that is left is a product with 0.
///
/// Every value carries its shape, and the ONNX checker and strict shape inference have accepted the
/// file. Equal models give equal bytes. Throws InvalidArgument for what deployed() refuses.
void write_onnx(const Model& model, const std::filesystem::path& file);

/// A network read from a file of write_onnx, normalisation included (as depthwise 1x1
/// convolutions). Layers are named "<position>.<node>". Made for hostile files: throws
/// InvalidArgument, naming file and node, for anything that write_onnx does not write: other
/// operators and attributes, external data, subgraphs, shapes that do not fit, files over 1 GiB.
ir::FoldedNetwork import_onnx(const std::filesystem::path& file);

}  // namespace hwnas::exporters
