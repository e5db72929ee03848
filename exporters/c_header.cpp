#include "exporters/c_header.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/sha256.hpp"
#include "exporters/c.hpp"
#include "exporters/c_text.hpp"

namespace hwnas::exporters {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kHeader =
    R"(/* @name@.h: an int8 neural network in C99. Written by hwnas; not meant to be edited.
 *
 * Input: @input@ int8 values, height x width x channels (NHWC), of
 *   q = clamp(round(x / INPUT_SCALE) + INPUT_ZERO_POINT, -128, 127),  halves away from zero,
 * with x = (v - mean) / deviation of the raw value v (bytes: divided by 255), by channel:
@normalisation@ *
 * Output: @output@ int8 values of OUTPUT_SCALE * (q - OUTPUT_ZERO_POINT).
@classes@ */
#ifndef @NAME@_H
#define @NAME@_H

#include <stdint.h>

#define @NAME@_INPUT_HEIGHT @in_h@
#define @NAME@_INPUT_WIDTH @in_w@
#define @NAME@_INPUT_CHANNELS @in_c@
#define @NAME@_INPUT_BYTES @in_bytes@
#define @NAME@_INPUT_SCALE @in_scale@
#define @NAME@_INPUT_ZERO_POINT @in_zero@

#define @NAME@_OUTPUT_HEIGHT @out_h@
#define @NAME@_OUTPUT_WIDTH @out_w@
#define @NAME@_OUTPUT_CHANNELS @out_c@
#define @NAME@_OUTPUT_BYTES @out_bytes@
#define @NAME@_OUTPUT_SCALE @out_scale@
#define @NAME@_OUTPUT_ZERO_POINT @out_zero@

/* Static RAM, and constants in flash (weights, biases, multipliers, shifts, tables). */
#define @NAME@_ARENA_BYTES @arena@
#define @NAME@_CONSTANT_BYTES @constants@

#ifdef __cplusplus
extern "C" {
#endif

/* The input's place in the arena: INPUT_BYTES to write to before each run, which overwrites them. */
int8_t *@id@_input(void);

/* Computes OUTPUT_BYTES values from INPUT_BYTES values. `input` is @id@_input(), or memory of the
 * caller, from which it is copied. 0, or -1 if a pointer is null. Not reentrant: there is one
 * arena. */
int @id@_run(const int8_t *input, int8_t *output);

#ifdef __cplusplus
}
#endif

#endif
)";

constexpr std::string_view kSeal = "/* sha256 of @name@.h and of all above: @hash@ */\n";

/// A float literal that reads back as the same float.
std::string literal(float value) {
  return fmt::format("{:#.9g}f", value);
}

std::string sentence_of_size(const ir::Shape& shape) {
  return fmt::format("{} x {} x {}", shape.height, shape.width, shape.channels);
}

std::string normalisation_lines(const data::Normalisation& normalisation) {
  if (normalisation.mean.empty()) return " *   mean 0, deviation 1\n";
  std::string lines;
  for (std::size_t c = 0; c < normalisation.mean.size(); ++c) {
    lines += fmt::format(" *   mean {:.9g}, deviation {:.9g}\n", normalisation.mean[c],
                         normalisation.std_dev[c]);
  }
  return lines;
}

/// Names come from people; a comment must not end in one.
std::string class_lines(const std::vector<std::string>& names) {
  std::string lines;
  for (std::size_t i = 0; i < names.size(); ++i) {
    std::string name = names[i];
    std::ranges::replace_if(
        name,
        [](char c) {
          return std::iscntrl(static_cast<unsigned char>(c)) != 0 || c == '*' || c == '\\' ||
                 c == '?';
        },
        '_');
    lines += fmt::format(" *   {}: {}\n", i, name);
  }
  return lines;
}

Json to_json(const ir::Shape& shape, const ir::Quantization& quantization) {
  return {{"shape", {shape.height, shape.width, shape.channels}},
          {"scale", quantization.scale},
          {"zero_point", quantization.zero_point}};
}

void from_json(const Json& json, ir::Shape& shape, ir::Quantization& quantization) {
  shape = {.channels = json.at("shape").at(2),
           .height = json.at("shape").at(0),
           .width = json.at("shape").at(1)};
  quantization.scale = json.at("scale");
  quantization.zero_point = json.at("zero_point");
}

/// Where the line starts that `start` begins and that is the last of them.
std::size_t last_line(std::string_view source, std::string_view start, std::string_view place) {
  const std::size_t found = source.rfind(start);
  if (found == std::string_view::npos) {
    throw invalid_argument("{}: is not a complete C file of hwnas; export it again", place);
  }
  return found;
}

Json interface_of(std::string_view source, std::string_view place) {
  const std::size_t begin = last_line(source, "/* {", place) + 3;
  const Json json =
      Json::parse(source.substr(begin, source.find('\n', begin) - begin - 3), nullptr, false);
  if (!json.is_object() || !json.contains("name") || !json["name"].is_string()) {
    throw invalid_argument("{}: its description was changed; export it again", place);
  }
  return json;
}

}  // namespace

bool is_plain_name(std::string_view name) {
  return !name.empty() && name.front() != '.' && std::ranges::all_of(name, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '.' || c == '-';
  });
}

std::string upper_case(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

std::string c_identifier(const std::string& name) {
  std::string id = name;
  std::ranges::replace_if(
      id, [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return id.empty() || std::isdigit(static_cast<unsigned char>(id.front())) != 0 ? "n_" + id : id;
}

std::string c_header(const Model& model, std::int64_t constant_bytes, std::int64_t arena_bytes) {
  const ir::QuantizedNetwork& network = *model.quantized;
  const ir::Shape& in = network.input;
  const ir::Shape out = ir::infer_shapes(network).back();
  const ir::Quantization& output = network.layers.back().output;
  const std::string id = c_identifier(model.name);
  return fill(kHeader, {{"name", model.name},
                        {"id", id},
                        {"NAME", upper_case(id)},
                        {"input", sentence_of_size(in)},
                        {"output", sentence_of_size(out)},
                        {"normalisation", normalisation_lines(model.normalisation)},
                        {"classes", class_lines(model.class_names)},
                        {"in_h", std::to_string(in.height)},
                        {"in_w", std::to_string(in.width)},
                        {"in_c", std::to_string(in.channels)},
                        {"in_bytes", std::to_string(in.elements())},
                        {"in_scale", literal(network.input_quantization.scale)},
                        {"in_zero", fmt::format("({})", network.input_quantization.zero_point)},
                        {"out_h", std::to_string(out.height)},
                        {"out_w", std::to_string(out.width)},
                        {"out_c", std::to_string(out.channels)},
                        {"out_bytes", std::to_string(out.elements())},
                        {"out_scale", literal(output.scale)},
                        {"out_zero", fmt::format("({})", output.zero_point)},
                        {"arena", std::to_string(arena_bytes)},
                        {"constants", std::to_string(constant_bytes)}});
}

std::string sealed(std::string body, std::string_view header, const Model& model,
                   ir::Requantization mode) {
  const ir::QuantizedNetwork& network = *model.quantized;
  const Json json = {
      {"schema", "hwnas.c/1"},
      {"name", model.name},
      {"network_hash", ir::stable_hash_digits(ir::as_network(network))},
      {"requantization", ir::to_string(mode)},
      {"input", to_json(network.input, network.input_quantization)},
      {"output", to_json(ir::infer_shapes(network).back(), network.layers.back().output)},
      {"mean", model.normalisation.mean},
      {"std_dev", model.normalisation.std_dev}};
  body += "\n/* " + json.dump() + " */\n";
  const std::string hash = sha256(std::string(header) + body);
  return body + fill(kSeal, {{"name", model.name}, {"hash", hash}});
}

std::string sealed_name(std::string_view source, std::string_view place) {
  const std::string name = interface_of(source, place)["name"];
  if (!is_plain_name(name)) throw invalid_argument("{}: '{}' is no name of a model", place, name);
  return name;
}

CInterface unsealed(std::string_view source, std::string_view header, std::string_view place) {
  CInterface result{.name = sealed_name(source, place),
                    .input = {},
                    .input_quantization = {},
                    .output = {},
                    .output_quantization = {},
                    .normalisation = {}};
  const std::size_t seal = last_line(source, "/* sha256 of ", place);
  const std::string hash = sha256(std::string(header) + std::string(source.substr(0, seal)));
  if (source.substr(seal) != fill(kSeal, {{"name", result.name}, {"hash", hash}})) {
    throw invalid_argument("{} or its header was changed after it was written; export it again",
                           place);
  }
  const Json json = interface_of(source, place);
  from_json(json.at("input"), result.input, result.input_quantization);
  from_json(json.at("output"), result.output, result.output_quantization);
  result.normalisation = {.mean = json.at("mean"), .std_dev = json.at("std_dev")};
  return result;
}

}  // namespace hwnas::exporters
