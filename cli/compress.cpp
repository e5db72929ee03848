#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <memory>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/pipeline.hpp"
#include "cli/subject.hpp"
#include "cli/text_table.hpp"
#include "compression/pass.hpp"
#include "exporters/exporter.hpp"

namespace hwnas::cli {
namespace {

struct Options {
  std::string subject;
  std::string data;
  SubjectOptions target;
  std::vector<std::string> limits;
  std::vector<std::string> passes = {"{ pass: quantize }"};
  std::vector<std::string> formats;
  std::string to;
  std::uint64_t seed = 0;
  int workers = 1;
};

/// "flash_bytes=64000"
engine::Limit parse_limit(const std::string& text) {
  const std::size_t equals = text.find('=');
  const auto bound =
      equals == std::string::npos ? std::nullopt : parse_number(text.substr(equals + 1));
  if (!bound || *bound <= 0) {
    throw invalid_argument("--limit '{}' is not METRIC=NUMBER, e.g. flash_bytes=64000", text);
  }
  return {text.substr(0, equals), *bound};
}

/// "fashion_mnist", a map as in an experiment's `data`, or a file with one.
Config parse_data(const std::string& text) {
  if (text.ends_with(".yaml")) return Config::load(text);
  const bool is_map = text.find('{') != std::string::npos;
  return Config::parse(is_map ? text : fmt::format("{{ name: {} }}", text), "--data");
}

engine::CompressRequest request_of(const Options& options) {
  engine::CompressRequest request;
  request.subject = options.subject;
  if (!options.data.empty()) request.data = parse_data(options.data);
  request.data_folder = std::filesystem::current_path();
  if (auto target = load_target(options.target)) {
    request.device = std::move(target->device);
    request.runtime = target->runtime.name;
  }
  for (const std::string& limit : options.limits) request.limits.push_back(parse_limit(limit));
  for (const std::string& pass : options.passes) {
    request.passes.push_back(Config::parse(pass, "--pass"));
    compression::make_pass(request.passes.back());
  }
  request.formats = options.formats;
  request.to = options.to;
  request.seed = options.seed;
  request.workers = options.workers;
  return request;
}

}  // namespace

void print_compression(const engine::CompressResult& result, const Invocation& invocation) {
  if (invocation.json) {
    print_json(engine::to_json(result));
    return;
  }
  std::vector<std::vector<std::string>> rows = {{"", "float", "int8", "compressed"}};
  rows.push_back({"val_top1", fmt::format("{:.2f}", result.summary.float_val_top1), "",
                  fmt::format("{:.2f}", result.summary.val_top1)});
  rows.push_back({"test_top1", fmt::format("{:.2f}", *result.float_test_top1), "",
                  fmt::format("{:.2f}", *result.summary.test_top1)});
  for (const auto& cost : result.costs) {
    rows.push_back({cost.metric, fmt::format("{:.6g}", cost.in_float),
                    fmt::format("{:.6g}", cost.in_int8),
                    fmt::format("{:.6g}", cost.compressed.value)});
  }
  fmt::print("{}", format_table(rows));
  for (const exporters::Artifact& artifact : result.artifacts) {
    fmt::print("{}\n", artifact.file.string());
  }
}

void add_compress(CLI::App& app, Invocation& invocation) {
  CLI::App* command = add_command(
      app,
      {"compress",
       "Bring a trained network to integers: of a run, or a model of your own",
       {"hwnas compress runs/fashion_mnist_mcu --pass '{ pass: mixed_precision, size_ratio: 6 }'",
        "hwnas compress model.onnx --data fashion_mnist --device stm32f746 --runtime tflite_micro"
        " --limit flash_bytes=64000 --format tflite --format c --to build/model"}},
      invocation);
  auto options = std::make_shared<Options>();
  command->add_option("SUBJECT", options->subject, "Folder of a run, or a float .onnx or .tflite")
      ->type_name("DIR|FILE")
      ->required();
  command->add_option(
      "--data", options->data,
      "Reader of `hwnas list readers`, or a map as in an experiment or in a .yaml file "
      "[the run's]");
  add_device_options(*command, options->target);
  command->add_option("--limit", options->limits, "Cost that must not be exceeded; may be repeated")
      ->type_name("METRIC=NUMBER")
      ->allow_extra_args(false);
  command->add_option("--pass", options->passes, "As in an experiment's `compression`; in order")
      ->type_name("YAML")
      ->allow_extra_args(false)
      ->capture_default_str();
  std::vector<std::string> formats;
  for (const auto& exporter : exporters::exporters()) formats.emplace_back(exporter.name);
  CLI::Option* const to =
      command->add_option("--to", options->to, "Folder for the artifacts")->type_name("DIR");
  command->add_option("--format", options->formats, "Format to export; may be repeated")
      ->check(CLI::IsMember(formats))
      ->allow_extra_args(false)
      ->needs(to);
  command->add_option("--seed", options->seed, "Of splits and trainings of a model file [0]");
  command->add_option("--workers", options->workers, "Threads")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  command->callback([options, &invocation] { compress(request_of(*options), invocation); });
}

}  // namespace hwnas::cli
