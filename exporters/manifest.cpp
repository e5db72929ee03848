#include "exporters/manifest.hpp"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>

#include "core/file.hpp"
#include "exporters/compile_targets.hpp"

namespace hwnas::exporters {

namespace {

using Json = nlohmann::ordered_json;

/// The end of a metric's name tells its unit.
std::string_view unit_of(std::string_view metric) {
  struct Unit {
    std::string_view suffix;
    std::string_view unit;
  };
  constexpr std::array kUnits = {Unit{"_ms", "ms"}, Unit{"_mj", "mJ"}, Unit{"_bytes", "byte"},
                                 Unit{"macs", "MAC"}, Unit{"top1", "%"}};
  for (const auto& [suffix, unit] : kUnits) {
    if (metric.ends_with(suffix)) return unit;
  }
  return "1";
}

Json to_json(const ManifestMetric& metric) {
  const estimators::Estimate& estimate = metric.estimate;
  Json json = {{"value", estimate.value},
               {"unit", unit_of(metric.name)},
               {"origin", estimators::to_string(estimate.origin)}};
  if (estimate.standard_deviation > 0) {
    const estimators::Interval interval = estimators::interval_95(estimate);
    json["standard_deviation"] = estimate.standard_deviation;
    json["interval_95"] = {interval.low, interval.high};
  }
  return json;
}

/// How one end of an artifact holds values: real = scale · (q − zero_point).
Json port(bool is_onnx, bool is_integer, const ir::Quantization& quantization) {
  Json json = {{"type", "float32"}, {"layout", is_onnx ? "NCHW" : "NHWC"}};
  if (!is_integer) return json;
  if (!is_onnx) json["type"] = quantization.bits == 16 ? "int16" : "int8";
  json["quantization"] = {{"scale", quantization.scale},
                          {"zero_point", quantization.zero_point},
                          {"bits", quantization.bits},
                          {"in_artifact", is_onnx}};
  return json;
}

Json to_json(const Artifact& artifact, const Model& model) {
  const bool is_onnx = artifact.format.starts_with("onnx");
  const bool is_integer = holds_integers(model, artifact.format);
  Json json = {{"format", artifact.format},
               {"file", artifact.file.filename().string()},
               {"bytes", artifact.bytes},
               {"sha256", artifact.sha256}};
  const ir::Quantization none;
  json["input"] =
      port(is_onnx, is_integer, is_integer ? model.quantized->input_quantization : none);
  json["input"]["normalised_by"] = is_onnx || !is_integer ? "artifact" : "caller";
  json["output"] =
      port(is_onnx, is_integer, is_integer ? model.quantized->layers.back().output : none);
  return json;
}

Json to_json(const CompileTarget& target, const Model& model, std::span<const Artifact> artifacts) {
  const CompileStep step = compile_step(target, model, artifacts);
  Json json = {{"summary", target.summary}, {"source", target.source}};
  if (step.command.empty()) {
    json["unavailable"] = step.reason;
  } else {
    json["format"] = step.format;
    json["file"] = step.file;
    json["command"] = step.command;
  }
  return json;
}

Json input_of(const Model& model) {
  const auto& [channels, height, width] = model.network.input;
  Json input = {{"name", "input"},
                {"type", "float32"},
                {"layout", "NCHW"},
                {"shape", {"batch", channels, height, width}},
                {"range", "bytes divided by 255; other data as read"}};
  // The artifact does this itself; it is told for those who replace the input stage.
  input["normalisation"] = {{"in_artifact", true},
                            {"formula", "(x - mean[c]) / std_dev[c]"},
                            {"mean", model.normalisation.mean},
                            {"std_dev", model.normalisation.std_dev}};
  return input;
}

Json output_of(const Model& model) {
  const ir::Shape shape = ir::infer_shapes(model.network).back();
  Json extents = {"batch", shape.channels};
  if (shape.height != 1 || shape.width != 1) {
    extents.insert(extents.end(), {shape.height, shape.width});
  }
  return {{"name", "logits"},
          {"type", "float32"},
          {"shape", std::move(extents)},
          {"classes", model.class_names}};
}

}  // namespace

void write_manifest(const Manifest& manifest, const Model& model,
                    const std::filesystem::path& file) {
  Json metrics = Json::object();
  for (const ManifestMetric& metric : manifest.metrics) metrics[metric.name] = to_json(metric);
  Json artifacts = Json::array();
  for (const Artifact& artifact : manifest.artifacts) artifacts.push_back(to_json(artifact, model));
  Json compile = Json::object();
  for (const CompileTarget& target : compile_targets()) {
    compile[std::string(target.name)] = to_json(target, model, manifest.artifacts);
  }
  const Json json = {
      {"schema", "hwnas.manifest/1"},
      {"created", manifest.created},
      {"model",
       {{"name", model.name},
        {"experiment", manifest.experiment},
        {"trial", manifest.trial},
        {"genotype", manifest.genotype}}},
      {"target", {{"device", manifest.device}, {"runtime", manifest.runtime}}},
      {"input", input_of(model)},
      {"output", output_of(model)},
      {"metrics", std::move(metrics)},
      {"artifacts", std::move(artifacts)},
      {"compile", std::move(compile)},
      {"network_hash", ir::stable_hash_digits(model.network)},
      {"network", ir::to_json(model.network)},
  };
  // Names come from people: what is no UTF-8 is replaced instead of losing the run's end.
  write_file_atomically(file, json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

}  // namespace hwnas::exporters
