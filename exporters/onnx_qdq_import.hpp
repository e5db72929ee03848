#pragma once

#include "exporters/exporter.hpp"
#include "exporters/onnx_reader.hpp"

namespace hwnas::exporters {

/// Fills `model.quantized` from a graph in QDQ form, and `network` and `weights` with its values in
/// float. Moves the arrays out of the graph. Throws InvalidArgument naming the layer that is not
/// quantized throughout, or not as ir::QuantizedLayer has it.
void set_quantized_network(OnnxGraph& graph, Model& model);

}  // namespace hwnas::exporters
