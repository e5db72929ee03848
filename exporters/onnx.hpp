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

/// Writes `model.quantized` in QDQ form: every operator between DequantizeLinear and
/// QuantizeLinear, the interface as in write_onnx. Values of 8 bits are stored as uint8 q + 128 and
/// of 16 bits as int16; weights as int8, or int4 if they have 4 bits or fewer; biases as int32 at
/// input scale x weight scale. Fused activations stand before the QuantizeLinear
/// ("<layer>:activation").
///
/// The opset is the lowest that has what is used: 13; 14 with hard-swish; 21 (IR version 10) with
/// int4 weights or 16-bit activations. Equal models give equal bytes. Throws InvalidArgument if the
/// model is not quantized, its network does not verify, or a bias does not fit int32.
void write_onnx_qdq(const Model& model, const std::filesystem::path& file);

/// A network read from an ONNX file, of write_onnx, of write_onnx_qdq, or of another producer; what
/// is read is listed in docs/onnx.md. Batch norms are folded; per-channel Sub, Div, Mul and Add
/// before the first layer become `normalisation`. Layers have the names of their nodes. A file with
/// QuantizeLinear nodes gives `quantized`, and `network` and `weights` are then its values in
/// float.
///
/// Made for hostile files: throws InvalidArgument, naming file and node, for all else (unknown
/// operators, attributes and domains, external data, subgraphs, shapes that do not fit, files over
/// kMaxOnnxBytes), and takes at most 256 MB of memory whatever the file claims.
Model import_onnx(const std::filesystem::path& file);
inline constexpr std::uintmax_t kMaxOnnxBytes = std::uintmax_t{48} << 20;

}  // namespace hwnas::exporters
