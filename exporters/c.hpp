#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "estimators/arena_plan.hpp"
#include "exporters/exporter.hpp"

namespace hwnas::exporters {

/// How the C export lays out memory: its kernels overwrite an input wherever SramOptions allow it,
/// and the network's input lies in the arena.
inline constexpr estimators::SramOptions kCSramOptions{.in_place_elementwise = true,
                                                       .count_input = true};

/// A network as C99: two files, and what they take on the target.
struct CSource {
  std::string source;               ///< <name>.c, which includes <name>.h
  std::string header;               ///< <name>.h
  std::int64_t constant_bytes = 0;  ///< of all const arrays: weights, biases, multipliers, shifts,
                                    ///< tables
  std::int64_t arena_bytes = 0;     ///< of the one static buffer
};

/// `model.quantized` with `requantization`, kTflDouble or kTflSingle. The code needs <stdint.h> and
/// <string.h>, no heap and no floating point; tensors are int8 in height x width x channels (NHWC)
/// order; weights under 8 bits stay packed in the constants. docs/c_export.md shows it. Equal
/// models give equal text.
///
/// Throws InvalidArgument naming the layer where the network is not quantized, does not verify, has
/// 16-bit activations, uses the float modes, or reads a flattened map in a way that needs its
/// elements in another order than a linear layer's weights can be put in.
CSource c_source(const Model& model,
                 ir::Requantization requantization = ir::Requantization::kTflDouble);

/// constant_bytes of the network's C export, without writing it: packed weights, 9 bytes an output
/// channel, 256 a table of hard-swish, sigmoid or hard-sigmoid, 1,024 for a softmax's.
std::int64_t c_constant_bytes(const ir::QuantizedNetwork& network);

/// c_source as files: `file`, and "<model.name>.h" beside it.
void write_c(const Model& model, const std::filesystem::path& file);

/// Name of the model in C identifiers: what is no letter or digit becomes '_'.
std::string c_identifier(const std::string& name);

}  // namespace hwnas::exporters
