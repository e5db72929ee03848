#include "exporters/c_run.hpp"

#include <chrono>
#include <string>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/process.hpp"
#include "exporters/c.hpp"
#include "exporters/c_text.hpp"
#include "exporters/deployed.hpp"

namespace hwnas::exporters {

namespace {

constexpr std::uintmax_t kMaxSourceBytes = std::uintmax_t{256} << 20;
constexpr std::uintmax_t kMaxOutputBytes = std::uintmax_t{1} << 30;
constexpr std::chrono::minutes kCompileLimit{1};
constexpr std::chrono::minutes kRunLimit{5};

// Reads inputs from stdin and writes outputs to stdout until there are no more.
constexpr std::string_view kProgram = R"(#include <stdio.h>
#include "@name@.h"

int main(void) {
  static int8_t output[@NAME@_OUTPUT_BYTES];
  while (fread(@id@_input(), @NAME@_INPUT_BYTES, 1, stdin) == 1) {
    if (@id@_run(@id@_input(), output) != 0) return 1;
    if (fwrite(output, sizeof output, 1, stdout) != 1) return 2;
  }
  return 0;
}
)";

std::string bytes_of(std::span<const std::int8_t> values) {
  return {reinterpret_cast<const char*>(values.data()), values.size()};
}

/// What the compiler said, shortened.
std::string shortened(std::string messages) {
  constexpr std::size_t kMaxShown = 2000;
  if (messages.size() > kMaxShown) messages.resize(kMaxShown);
  return messages;
}

void compile(const std::filesystem::path& folder, const std::filesystem::path& file) {
  const ProcessRequest compiler{
      .arguments = {"cc", "-std=c99", "-O2", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion",
                    "-Werror", "-o", "program", "model.c", "main.c"},
      .folder = folder,
      .input = {},
      .output = {},
      .time_limit = kCompileLimit};
  const ProcessResult result = run_process(compiler);
  if (result.end == ProcessEnd::kNotStarted) {
    throw error(ErrorCode::kNotFound,
                "{}: there is no C compiler 'cc' to check it with ({}); install one (Debian: gcc)",
                file.string(), how_it_ended(compiler, result));
  }
  if (result.end == ProcessEnd::kTimedOut) {
    throw error(ErrorCode::kCancelled, "{}: {}", file.string(), how_it_ended(compiler, result));
  }
  if (!result.succeeded()) {
    throw invalid_argument("{}: cc refuses it:\n{}", file.string(), shortened(result.errors));
  }
}

}  // namespace

CompiledC::CompiledC(const std::filesystem::path& file) {
  const std::string source = read_file(file, kMaxSourceBytes);
  const std::string name = sealed_name(source, file.string());
  const std::string header = read_file(file.parent_path() / (name + ".h"), kMaxSourceBytes);
  interface_ = unsealed(source, header, file.string());
  const std::string id = c_identifier(name);
  write_file_atomically(folder_.path() / "model.c", source);
  write_file_atomically(folder_.path() / (name + ".h"), header);
  write_file_atomically(folder_.path() / "main.c",
                        fill(kProgram, {{"name", name}, {"id", id}, {"NAME", upper_case(id)}}));
  compile(folder_.path(), file);
}

std::vector<std::int8_t> CompiledC::run(std::span<const std::int8_t> inputs) const {
  const auto size = static_cast<std::size_t>(interface_.input.elements());
  if (inputs.size() % size != 0) {
    throw invalid_argument("{} values are no whole number of inputs of {}", inputs.size(), size);
  }
  write_file_atomically(folder_.path() / "inputs", bytes_of(inputs));
  const ProcessRequest program{.arguments = {(folder_.path() / "program").string()},
                               .folder = {},
                               .input = folder_.path() / "inputs",
                               .output = folder_.path() / "outputs",
                               .time_limit = kRunLimit};
  const ProcessResult result = run_process(program);
  if (result.end == ProcessEnd::kTimedOut) {
    throw error(ErrorCode::kCancelled, "the compiled C export '{}': {}", interface_.name,
                how_it_ended(program, result));
  }
  const std::string outputs = read_file(folder_.path() / "outputs", kMaxOutputBytes);
  const auto expected =
      inputs.size() / size * static_cast<std::size_t>(interface_.output.elements());
  if (!result.succeeded() || outputs.size() != expected) {
    throw error(ErrorCode::kInternal, "the compiled C export '{}': {} after {} of {} output bytes",
                interface_.name, how_it_ended(program, result), outputs.size(), expected);
  }
  return {outputs.begin(), outputs.end()};
}

std::vector<float> run_c(const std::filesystem::path& file, const std::vector<float>& input) {
  const CompiledC program(file);
  const CInterface& interface = program.interface();
  if (std::ssize(input) != interface.input.elements()) {
    throw invalid_argument("{}: takes {} values, not {}", file.string(), interface.input.elements(),
                           input.size());
  }
  const std::vector<std::int32_t> quantized = ir::quantize(
      interface.input_quantization, normalised(interface.normalisation, interface.input, input));
  const std::vector<std::int8_t> output = program.run(to_channels_last(quantized, interface.input));
  return ir::dequantize(interface.output_quantization, to_channels_first(output, interface.output));
}

std::vector<std::int8_t> to_channels_last(std::span<const std::int32_t> values,
                                          const ir::Shape& shape) {
  const std::size_t pixels = static_cast<std::size_t>(shape.height) * shape.width;
  std::vector<std::int8_t> result(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    result[i % pixels * shape.channels + i / pixels] = static_cast<std::int8_t>(values[i]);
  }
  return result;
}

std::vector<std::int32_t> to_channels_first(std::span<const std::int8_t> values,
                                            const ir::Shape& shape) {
  const std::size_t pixels = static_cast<std::size_t>(shape.height) * shape.width;
  std::vector<std::int32_t> result(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    result[i] = values[i % pixels * shape.channels + i / pixels];
  }
  return result;
}

}  // namespace hwnas::exporters
