#include "engine/compression_job.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "compression/accuracy.hpp"
#include "engine/costs.hpp"
#include "engine/seed_stream.hpp"

namespace hwnas::engine {
namespace {

/// Training samples that ranges are calibrated on. More change the ranges of small networks by
/// less than their resolution.
constexpr std::size_t kCalibrationSamples = 256;

std::optional<compression::FineTuned> fine_tune(const CompressionJob& job,
                                                const ir::FoldedNetwork& network,
                                                const ir::NetworkScales& start,
                                                const compression::FineTuneOptions& options) {
  train::QuantizedTrainOptions training;
  training.training = job.training;
  training.training.epochs = options.epochs;
  training.training.learning_rate = options.learning_rate;
  training.training.warmup_epochs = std::min(0.1, job.training.warmup_epochs);
  training.training.threads = job.workers;
  training.distillation_weight = options.distillation_weight;
  const auto on_epoch = [&](const train::EpochResult& epoch) {
    job.report(
        static_cast<double>(epoch.epoch) / (options.epochs + 1),
        fmt::format("compression: epoch {}, val_top1 {:.2f}", epoch.epoch, epoch.validation_top1));
    return true;
  };
  train::QuantizedTrainResult result = job.with.train_quantized(
      network, start,
      {&job.data.source.train, job.data.split.train, job.data.split.validation, job.normalisation},
      training, stream_seed(job.seed, SeedStream::kFineTune), on_epoch, job.stop);
  if (result.outcome != train::TrainOutcome::kComplete) return std::nullopt;
  return compression::FineTuned{std::move(result.weights), std::move(result.scales)};
}

compression::Samples calibration_samples(const CompressionJob& job) {
  auto samples =
      data::stratified_subset(job.data.source.train, job.data.split.train, kCalibrationSamples,
                              stream_seed(job.seed, SeedStream::kCalibration));
  const std::size_t count = samples.size();
  return {.count = count, .at = [&job, samples = std::move(samples)](std::size_t i) {
            return compression::network_input(job.data.source.train, samples[i], job.normalisation);
          }};
}

report::PassSummary summary_of(const compression::PassReport& report) {
  report::PassSummary summary{.pass = report.pass,
                              .accepted = report.accepted,
                              .val_top1_before = report.accuracy_before,
                              .val_top1_after = report.accuracy_after,
                              .seconds = report.seconds,
                              .summary = report.summary,
                              .layers = {}};
  for (const compression::LayerChange& layer : report.layers) {
    summary.layers.push_back({layer.layer, layer.format, layer.activation_bits, layer.sensitivity,
                              layer.flash_bytes, layer.latency_ms});
  }
  return summary;
}

/// Bit allocation knows costs, not their intervals: a limit with a confidence is lowered by the
/// share that the interval of the network's own cost takes.
compression::CostLimit cost_limit(const CompressionJob& job, const Limit& limit) {
  if (limit.confidence == 0.5) return {limit.metric, limit.bound};
  const auto model =
      estimators::make_cost_model(limit.metric, job.device, job.device.runtime(job.runtime));
  const estimators::Estimate cost = model->predict(job.network);
  const double limited = limited_value(limit, cost.value, cost.standard_deviation);
  return {limit.metric, limited > 0 ? limit.bound * cost.value / limited : limit.bound};
}

}  // namespace

compression::Compression run_compression_job(const CompressionJob& job) {
  const estimators::RuntimeProfile& runtime = job.device.runtime(job.runtime);
  std::vector<std::unique_ptr<compression::CompressionPass>> passes;
  for (const Config& options : job.passes) passes.push_back(compression::make_pass(options));
  std::vector<compression::CostLimit> limits;
  for (const Limit& limit : job.limits) limits.push_back(cost_limit(job, limit));
  const compression::PassContext context{
      .calibration = calibration_samples(job),
      .accuracy =
          [&](const ir::QuantizedNetwork& network) {
            return compression::top1(network, runtime.arithmetic, job.data.source.train,
                                     job.data.split.validation, job.normalisation, job.workers);
          },
      .float_accuracy = job.float_val_top1,
      .device = &job.device,
      .runtime = &runtime,
      .limits = std::move(limits),
      .fine_tune =
          [&](const ir::FoldedNetwork& network, const ir::NetworkScales& start,
              const compression::FineTuneOptions& options) {
            return fine_tune(job, network, start, options);
          },
      .log = [&](const std::string& message) { job.report(0, "compression: " + message); },
      .stop = job.stop};
  return compression::compress(job.network, job.weights, passes, context);
}

report::CompressionSummary summarise(const compression::Compression& done, double float_val_top1) {
  report::CompressionSummary summary{.float_val_top1 = float_val_top1,
                                     .val_top1 = done.model.accuracy,
                                     .test_top1 = std::nullopt,
                                     .passes = {}};
  for (const compression::PassReport& report : done.reports) {
    summary.passes.push_back(summary_of(report));
  }
  return summary;
}

}  // namespace hwnas::engine
