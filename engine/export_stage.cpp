#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "core/error.hpp"
#include "engine/finalist_files.hpp"
#include "engine/run_facts.hpp"
#include "engine/stages.hpp"
#include "exporters/exporter.hpp"
#include "exporters/manifest.hpp"

namespace hwnas::engine {
namespace {

constexpr std::size_t kProbes = 4;

/// Validation samples as the artifacts expect them: bytes scaled to 0..1.
std::vector<std::vector<float>> probes_of(const LoadedData& data) {
  const data::Dataset& samples = data.source.train;
  const auto elements = static_cast<std::size_t>(samples.shape.elements());
  std::vector<std::vector<float>> probes;
  for (const std::size_t sample : data.split.validation) {
    if (probes.size() == kProbes) break;
    std::vector<float>& probe = probes.emplace_back(elements);
    for (std::size_t i = 0; i < elements; ++i) {
      probe[i] = samples.is_bytes()
                     ? static_cast<float>(samples.bytes[sample * elements + i]) / 255.0F
                     : samples.floats[sample * elements + i];
    }
  }
  return probes;
}

std::vector<exporters::ManifestMetric> manifest_metrics(const FinalistRecord& finalist) {
  std::vector<exporters::ManifestMetric> metrics;
  for (const report::MetricValue& metric : finalist.metrics) {
    metrics.push_back({metric.name, {metric.value, metric.standard_deviation, metric.origin, {}}});
  }
  if (finalist.test_top1) {
    metrics.push_back({"test_top1", {*finalist.test_top1, 0, estimators::Origin::kMeasured, {}}});
  }
  return metrics;
}

double measure_test_top1(const RunContext& run, const LoadedData& data,
                         const exporters::Model& model) {
  std::vector<std::size_t> all(data.source.test.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  return run.training()
      .evaluate_network(model.network, model.weights, data.source.test, all, model.normalisation,
                        run.experiment().finalists.train)
      .top1;
}

FinalistRecord chosen_finalist(const StoreReader& store) {
  std::vector<FinalistRecord> finalists = store.finalists();
  const auto chosen = std::ranges::find(finalists, true, &FinalistRecord::chosen);
  if (chosen == finalists.end()) {
    throw error(ErrorCode::kFailedPrecondition, "no finalist is chosen yet: resume the run first");
  }
  return *chosen;
}

FinalistRecord finalist_of_trial(const StoreReader& store, std::uint64_t trial) {
  std::vector<FinalistRecord> finalists = store.finalists();
  const auto found = std::ranges::find(finalists, trial, &FinalistRecord::trial);
  if (found != finalists.end() && found->trained) return *found;
  std::string trained;
  for (const FinalistRecord& finalist : finalists) {
    if (finalist.trained) trained += fmt::format(" {}", finalist.trial);
  }
  throw error(ErrorCode::kNotFound, "trial {} is not a trained finalist; there are:{}", trial,
              trained.empty() ? " none" : trained);
}

/// One finalist with everything that its artifacts and their manifest say.
struct Exportable {
  const Experiment& experiment;
  const LoadedData& data;
  FinalistRecord finalist;
  std::string genotype;
  exporters::Model model;
};

Exportable make_exportable(const Experiment& experiment, const LoadedData& data,
                           const std::filesystem::path& folder, const StoreReader& store,
                           FinalistRecord finalist) {
  exporters::Model model{experiment.name, network_of(finalist), load_weights(folder, finalist),
                         data.normalisation, data.source.train.class_names};
  std::string genotype = spaces::to_string(store.trials().at(finalist.trial).genotype);
  return {experiment, data, std::move(finalist), std::move(genotype), std::move(model)};
}

std::vector<exporters::Artifact> write_artifacts(const Exportable& source,
                                                 std::span<const std::string> formats,
                                                 const std::filesystem::path& to) {
  std::filesystem::create_directories(to);
  const std::vector<std::vector<float>> probes = probes_of(source.data);
  std::vector<exporters::Artifact> artifacts;
  for (const std::string& format : formats) {
    artifacts.push_back(exporters::export_model(source.model, format, to, probes));
  }
  return artifacts;
}

void write_manifest_of(const Exportable& source, std::vector<exporters::Artifact> artifacts,
                       const std::filesystem::path& to) {
  const Experiment& experiment = source.experiment;
  exporters::write_manifest(
      {experiment.name, source.finalist.trial, source.genotype, experiment.device.name,
       experiment.runtime, utc_now(), manifest_metrics(source.finalist), std::move(artifacts)},
      source.model, to / "manifest.json");
}

std::vector<report::ArtifactSummary> relative_to_run(
    const std::vector<exporters::Artifact>& artifacts, const std::filesystem::path& folder) {
  std::vector<report::ArtifactSummary> summaries;
  for (const exporters::Artifact& artifact : artifacts) {
    summaries.push_back({artifact.format, std::filesystem::relative(artifact.file, folder).string(),
                         artifact.sha256, artifact.bytes});
  }
  return summaries;
}

}  // namespace

StageOutcome run_export(RunContext& run) {
  if (run.experiment().finalists.count == 0) return StageOutcome::kDone;
  Store& store = run.store();
  const LoadedData& data = *run.inputs().data;
  Exportable source =
      make_exportable(run.experiment(), data, run.folder(), store, chosen_finalist(store));
  const std::filesystem::path to = run.folder() / "export";
  const auto artifacts = write_artifacts(source, run.experiment().exports, to);
  // The artifacts compute what the network computes (export_model has checked it), so the network
  // stands for them on the test data.
  if (!source.finalist.test_top1) {
    source.finalist.test_top1 = measure_test_top1(run, data, source.model);
    store.set_test_top1(source.finalist.trial, *source.finalist.test_top1);
  }
  write_manifest_of(source, artifacts, to);
  store.set_artifacts(relative_to_run(artifacts, run.folder()));
  run.report(1, fmt::format("test_top1 {:.2f}", *source.finalist.test_top1));
  return StageOutcome::kDone;
}

void export_run(const std::filesystem::path& folder, const std::vector<std::string>& formats,
                const std::filesystem::path& to, std::optional<std::uint64_t> trial) {
  const StoreReader store(folder);
  const Experiment experiment = stored_experiment(store);
  FinalistRecord finalist = trial ? finalist_of_trial(store, *trial) : chosen_finalist(store);
  const Inputs inputs = load_inputs(experiment);
  const Exportable source =
      make_exportable(experiment, *inputs.data, folder, store, std::move(finalist));
  write_manifest_of(source, write_artifacts(source, formats, to), to);
}

}  // namespace hwnas::engine
