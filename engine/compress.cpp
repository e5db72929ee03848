#include "engine/compress.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "compression/accuracy.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/text.hpp"
#include "engine/compression_job.hpp"
#include "engine/experiment_sections.hpp"
#include "engine/finalist_files.hpp"
#include "engine/front.hpp"
#include "engine/probes.hpp"
#include "engine/run_facts.hpp"
#include "engine/seed_stream.hpp"
#include "estimators/cost_model.hpp"
#include "exporters/import_model.hpp"
#include "exporters/manifest.hpp"

namespace hwnas::engine {
namespace {

/// What a request comes down to.
struct Subject {
  exporters::Model model;  ///< in float
  LoadedData data;
  estimators::DeviceProfile device;
  std::string runtime;
  std::vector<Limit> limits;
  train::TrainOptions training;
  std::uint64_t seed = 0;
  std::uint64_t trial = 0;
  std::string genotype;
};

Subject subject_of_run(const CompressRequest& request) {
  const StoreReader store(request.subject);
  const Experiment experiment = stored_experiment(store);
  const std::vector<FinalistRecord> finalists = store.finalists();
  const auto chosen = std::ranges::find(finalists, true, &FinalistRecord::chosen);
  if (chosen == finalists.end()) {
    throw error(ErrorCode::kFailedPrecondition, "{}: no finalist is chosen yet: resume the run",
                request.subject.string());
  }
  Inputs inputs = load_inputs(experiment);
  const bool own_device = !request.device.has_value();
  Subject subject{
      .model = {experiment.name, network_of(*chosen), load_weights(request.subject, *chosen),
                inputs.data->normalisation, inputs.data->source.train.class_names},
      .data = std::move(*inputs.data),
      .device = own_device ? experiment.device : *request.device,
      .runtime = own_device ? experiment.runtime : request.runtime,
      .limits = own_device ? experiment.limits : std::vector<Limit>{},
      .training = experiment.finalists.train,
      .seed = experiment.seed,
      .trial = chosen->trial,
      .genotype = spaces::to_string(store.trials().at(chosen->trial).genotype)};
  return subject;
}

Subject subject_of_file(const CompressRequest& request) {
  if (!request.data || !request.device) {
    throw invalid_argument("{}: a model file says nothing of data and device: give both",
                           request.subject.string());
  }
  Subject subject{.model = exporters::import_model(request.subject),
                  .data = {},
                  .device = *request.device,
                  .runtime = request.runtime,
                  .limits = {},
                  .training = {},
                  .seed = request.seed,
                  .trial = 0,
                  .genotype = {}};
  if (subject.model.quantized) {
    throw invalid_argument("{}: the model is in integers already; compress the float one",
                           request.subject.string());
  }
  subject.data.source = data::read_data(*request.data, request.data_folder);
  const data::Dataset& train = subject.data.source.train;
  const ir::Shape& input = subject.model.network.input;
  if (train.shape != input) {
    throw invalid_argument("{}: takes {}x{}x{}, but the data are {}x{}x{}",
                           request.subject.string(), input.channels, input.height, input.width,
                           train.shape.channels, train.shape.height, train.shape.width);
  }
  subject.data.split =
      data::stratified_split(train, 0.1, stream_seed(request.seed, SeedStream::kValidationSplit));
  subject.data.normalisation = subject.model.normalisation;
  subject.model.class_names = train.class_names;
  return subject;
}

double top1(const Subject& subject, const data::Dataset& dataset,
            std::span<const std::size_t> samples, const Training& training) {
  return training
      .evaluate_network(subject.model.network, subject.model.weights, dataset, samples,
                        subject.model.normalisation, subject.training)
      .top1;
}

ir::Network at_precision(ir::Network network, const ir::Precision& precision) {
  for (ir::Layer& layer : network.layers) layer.precision = precision;
  return network;
}

std::vector<CompressResult::Cost> costs_of(const Subject& subject,
                                           const ir::QuantizedNetwork& integers) {
  const ir::Network compressed = ir::as_network(integers);
  std::vector<CompressResult::Cost> costs;
  for (const char* const metric :
       {"flash_bytes", "peak_sram_bytes", "latency_ms", "energy_mj", "macs"}) {
    const auto model = estimators::make_cost_model(metric, subject.device,
                                                   subject.device.runtime(subject.runtime));
    costs.push_back({metric, model->predict(at_precision(compressed, {32, 32})).value,
                     model->predict(at_precision(compressed, {8, 8})).value,
                     model->predict(compressed)});
  }
  return costs;
}

void write_artifacts(const CompressRequest& request, const Subject& subject,
                     CompressResult& result) {
  if (request.formats.empty()) return;
  const auto probes = artifact_probes(subject.data);
  for (const std::string& format : request.formats) {
    result.artifacts.push_back(exporters::export_model(subject.model, format, request.to, probes));
  }
  std::vector<exporters::ManifestMetric> metrics;
  for (const CompressResult::Cost& cost : result.costs) {
    metrics.push_back({cost.metric, cost.compressed});
  }
  metrics.push_back(
      {"quantized_val_top1", {result.summary.val_top1, 0, estimators::Origin::kMeasured, {}}});
  metrics.push_back(
      {"quantized_test_top1", {*result.summary.test_top1, 0, estimators::Origin::kMeasured, {}}});
  exporters::write_manifest(
      {subject.model.name, subject.trial, subject.genotype, subject.device.name, subject.runtime,
       utc_now(), std::move(metrics), result.artifacts},
      subject.model, request.to / "manifest.json");
  write_file_atomically(request.to / kCompressResult, to_json(result).dump());
}

}  // namespace

void require_valid(const CompressRequest& request) {
  for (const Config& pass : request.passes) compression::make_pass(pass);
  const std::vector<std::string> formats = names_of(exporters::exporters());
  for (const std::string& format : request.formats) {
    if (std::ranges::count(formats, format) > 0) continue;
    throw invalid_argument("formats: no format {}{} ({})", in_quotes(format),
                           did_you_mean(format, formats), fmt::join(formats, ", "));
  }
  std::vector<std::string> costs;
  for (const auto& row : estimators::cost_models()) costs.emplace_back(row.metric);
  for (const Limit& limit : request.limits) {
    if (std::ranges::count(costs, limit.metric) == 0) {
      throw invalid_argument("limits: no cost {}{} ({})", in_quotes(limit.metric),
                             did_you_mean(limit.metric, costs), fmt::join(costs, ", "));
    }
    if (!(limit.bound > 0) || !std::isfinite(limit.bound)) {
      throw invalid_argument("limits: {} must be at most {}: give a number above 0", limit.metric,
                             limit.bound);
    }
  }
}

nlohmann::json to_json(const CompressResult& result) {
  using nlohmann::json;
  json costs = json::object();
  for (const auto& cost : result.costs) {
    costs[cost.metric] = {
        {"float", cost.in_float}, {"int8", cost.in_int8}, {"compressed", cost.compressed.value}};
  }
  json passes = json::array();
  for (const report::PassSummary& pass : result.summary.passes) {
    passes.push_back({{"pass", pass.pass},
                      {"accepted", pass.accepted},
                      {"val_top1_before", pass.val_top1_before},
                      {"val_top1_after", pass.val_top1_after},
                      {"summary", pass.summary}});
  }
  json artifacts = json::array();
  for (const exporters::Artifact& artifact : result.artifacts) {
    artifacts.push_back({{"format", artifact.format},
                         {"file", artifact.file.string()},
                         {"sha256", artifact.sha256},
                         {"bytes", artifact.bytes}});
  }
  return {{"float_val_top1", result.summary.float_val_top1},
          {"val_top1", result.summary.val_top1},
          {"float_test_top1", *result.float_test_top1},
          {"test_top1", *result.summary.test_top1},
          {"costs", costs},
          {"passes", passes},
          {"artifacts", artifacts}};
}

CompressResult compress_model(const CompressRequest& request, const Training& training) {
  require_valid(request);
  Subject subject = holds_run(request.subject) ? subject_of_run(request) : subject_of_file(request);
  for (const Limit& limit : request.limits) subject.limits.push_back(limit);
  training.set_worker_threads(1, request.workers);
  const data::DataSource& source = subject.data.source;
  const double float_val_top1 =
      top1(subject, source.train, subject.data.split.validation, training);
  const compression::Compression done = run_compression_job(
      {.network = subject.model.network,
       .weights = subject.model.weights,
       .float_val_top1 = float_val_top1,
       .data = subject.data,
       .normalisation = subject.model.normalisation,
       .device = subject.device,
       .runtime = subject.runtime,
       .limits = subject.limits,
       .passes = request.passes,
       .training = subject.training,
       .seed = subject.seed,
       .workers = request.workers,
       .with = training,
       .report = [&](double, const std::string& message) { request.log(message); },
       .stop = request.stop});
  // Passes end early when they are asked to, and what came of them depends on when.
  if (request.stop.stop_requested()) {
    throw error(ErrorCode::kCancelled, "stopped before the compression was done: start it again");
  }
  if (!done.model.integers) {
    throw error(ErrorCode::kSearchFailed, "no pass was accepted: {}",
                done.reports.empty() ? "none was given" : done.reports.back().summary);
  }
  subject.model.quantized = done.model.integers;

  CompressResult result{.summary = summarise(done, float_val_top1),
                        .float_test_top1 = std::nullopt,
                        .artifacts = {},
                        .costs = costs_of(subject, *done.model.integers)};
  std::vector<std::size_t> all(source.test.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  result.float_test_top1 = top1(subject, source.test, all, training);
  result.summary.test_top1 = compression::top1(
      *subject.model.quantized, subject.device.runtime(subject.runtime).arithmetic, source.test,
      all, subject.model.normalisation, request.workers);
  write_artifacts(request, subject, result);
  return result;
}

}  // namespace hwnas::engine
