#include "tests/engine/sample_run.hpp"

#include <fmt/format.h>

#include <cmath>

#include "core/rng.hpp"
#include "engine/pipeline.hpp"

namespace hwnas::engine {
namespace {

/// The readers' layout: one line a channel of a sample.
std::string waves(int samples, std::uint64_t seed) {
  constexpr int kLength = 32;
  Rng rng(seed);
  std::string text = "sample,label,channel";
  for (int t = 0; t < kLength; ++t) text += fmt::format(",t{}", t);
  text += '\n';
  for (int sample = 0; sample < samples; ++sample) {
    const int label = sample % 3;
    text += fmt::format("{},{},0", sample, "abc"[label]);
    for (int t = 0; t < kLength; ++t) {
      text += fmt::format(",{:.3f}", std::sin(0.2 * (label + 1) * t) + 0.1 * rng.normal());
    }
    text += '\n';
  }
  return text;
}

std::string lines_of(const std::vector<report::MetricValue>& metrics) {
  std::string text;
  for (const report::MetricValue& metric : metrics) {
    text +=
        fmt::format(" {}={} ({})", metric.name, metric.value, estimators::to_string(metric.origin));
  }
  return text;
}

std::string lines_of(const std::vector<report::CurvePoint>& curve) {
  std::string text;
  for (const report::CurvePoint& point : curve) {
    text += fmt::format(" [{} {} {} {}]", point.epoch, point.train_loss, point.validation_loss,
                        point.validation_top1);
  }
  return text;
}

}  // namespace

std::filesystem::path write_wave_experiment(const TemporaryFolder& folder,
                                            const std::string& strategy) {
  folder.write("train.csv", waves(60, 1));
  folder.write("test.csv", waves(30, 2));
  return folder.write("experiments/waves.yaml", fmt::format(R"(version: 1
name: waves
seed: 3
data: {{ name: csv_series, train: ../train.csv, test: ../test.csv }}
validation_fraction: 0.2
space:
  family: conv1d
  stages:
    - {{ depth: [ 1, 2 ], channels: [ 4, 8, 16 ], kernel: [ 3, 5 ], stride: [ 1, 2 ] }}
    - {{ depth: [ 1, 2 ], channels: [ 4, 8, 16, 64 ], kernel: [ 3, 5 ], stride: [ 1, 2 ] }}
device: {{ name: stm32f746, runtime: tflite_micro }}
objectives: [ maximize val_top1, minimize latency_ms ]
limits: {{ macs: 30000 }}
search: {{ strategy: {}, trials: 20, window: 4 }}
evaluator: {{ name: train, epochs: 3 }}
finalists: {{ count: 2, epochs: 4 }}
export: [ onnx ]
)",
                                                            strategy));
}

int run_interrupted_after_every_message(const Experiment& experiment,
                                        const std::filesystem::path& folder,
                                        const Training& training) {
  int attempts = 0;
  for (RunState state = RunState::kInterrupted; state == RunState::kInterrupted; ++attempts) {
    std::stop_source drain;
    RunOptions options{.folder = folder, .drain = drain.get_token(), .workers = 2};
    options.progress = [&](const Progress& progress) {
      if (!progress.message.empty()) drain.request_stop();
    };
    const RunResult result =
        attempts == 0 ? start_run(experiment, options, training) : resume_run(options, training);
    state = result.state;
  }
  return attempts;
}

std::string history_of(const std::filesystem::path& folder) {
  const report::RunSummary run = summarise_run(folder);
  std::string text = run.state + "\n";
  for (const report::TrialSummary& trial : run.trials) {
    text +=
        fmt::format("trial {} {} {} {}{}{}{}\n", trial.id, trial.genotype,
                    search::to_string(trial.state), trial.reason, trial.on_front ? " front" : "",
                    lines_of(trial.metrics), lines_of(trial.curve));
  }
  for (const report::FinalistSummary& finalist : run.finalists) {
    text += fmt::format("finalist {}{}{}{}{}\n", finalist.trial, finalist.chosen ? " chosen" : "",
                        finalist.test_top1 ? fmt::format(" {}", *finalist.test_top1) : "",
                        lines_of(finalist.metrics), lines_of(finalist.curve));
  }
  for (const report::ArtifactSummary& artifact : run.artifacts) {
    text += fmt::format("artifact {} {} {}\n", artifact.format, artifact.file, artifact.sha256);
  }
  return text;
}

}  // namespace hwnas::engine
