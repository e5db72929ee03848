#pragma once

#include <filesystem>
#include <variant>
#include <vector>

#include "exporters/exporter.hpp"

namespace hwnas::exporters {

/// Writes the network in the TensorFlow Lite format, schema version 3, for TensorFlow Lite,
/// TensorFlow Lite Micro and the compilers that read their files (docs/tflite.md).
///
/// Without model.quantized: deployed(model) in float32. Input "input" [1, height, width, channels],
/// raw data (bytes scaled to 0..1), which a first depthwise convolution normalises.
/// With it: that network in int8 (int16 activations where they have 16 bits). The input is
/// normalised and in the input's quantization. Weights under 8 bits are INT4, two a byte, the first
/// one in the low half; beside 16-bit activations, where no runtime takes them, INT8.
///
/// Output "logits" [1, classes], or [1, height, width, channels] if the network ends in a map.
/// Padding is SAME or VALID where one of them is meant, and an operator of its own elsewhere.
/// Equal models give equal bytes. Throws InvalidArgument, naming the layer, for what deployed()
/// refuses and for what has no exact form in TensorFlow Lite: average pooling with a padding of
/// neither kind, and flattened maps that anything but a linear layer reads.
void write_tflite(const Model& model, const std::filesystem::path& file);

/// What a .tflite holds: floating point, or integers.
using TfliteNetwork = std::variant<ir::FoldedNetwork, ir::QuantizedNetwork>;

/// Reads a network of the operators that write_tflite writes, also files of other writers: float32
/// (8-bit weights of dynamic-range files become floats), int8, and int8 with INT4 weights. Layers
/// are named "<position>.<tensor>"; padding SAME becomes explicit, a PAD before a convolution
/// becomes the convolution's.
///
/// Made for hostile files: at most 80 MiB are read, at most 192 MiB taken. Throws InvalidArgument
/// naming file and operator for anything damaged or not read: custom operators, several subgraphs,
/// data outside of the FlatBuffers, sparse and variable tensors, batches, shapes or quantizations
/// that do not fit.
TfliteNetwork import_tflite(const std::filesystem::path& file);

/// Reads the file back and runs it on one input as the file's network takes it, in channels x
/// height x width order: ir::run_reference, or the integer executor between ir::quantize and
/// ir::dequantize.
std::vector<float> run_tflite(const std::filesystem::path& file, const std::vector<float>& input);

}  // namespace hwnas::exporters
