#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "exporters/exporter.hpp"

namespace hwnas::exporters {

/// <name>.h: the three functions, sizes, scales and how an input is made.
std::string c_header(const Model& model, std::int64_t constant_bytes, std::int64_t arena_bytes);

/// The source with a last comment: the interface as JSON for programs, and the SHA-256 of the
/// header and of everything before it.
std::string sealed(std::string body, std::string_view header, const Model& model,
                   ir::Requantization mode);

/// What the last comment says, of a file as `sealed` wrote it. Throws InvalidArgument, naming
/// `place` and what to do, if source or header were changed since.
struct CInterface {
  std::string name;  ///< of the model: the header is "<name>.h"
  ir::Shape input;
  ir::Quantization input_quantization;
  ir::Shape output;
  ir::Quantization output_quantization;
  data::Normalisation normalisation;
};
/// The model's name alone, to find the header by; it is a plain file name.
std::string sealed_name(std::string_view source, std::string_view place);
CInterface unsealed(std::string_view source, std::string_view header, std::string_view place);

/// Whether a model's name can stand in a file's name and in a comment.
bool is_plain_name(std::string_view name);
std::string upper_case(std::string text);

}  // namespace hwnas::exporters
