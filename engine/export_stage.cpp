#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "compression/accuracy.hpp"
#include "core/error.hpp"
#include "core/sha256.hpp"
#include "engine/finalist_files.hpp"
#include "engine/front.hpp"
#include "engine/probes.hpp"
#include "engine/run_facts.hpp"
#include "engine/stages.hpp"
#include "engine/verify.hpp"
#include "exporters/exporter.hpp"
#include "exporters/manifest.hpp"

namespace hwnas::engine {
namespace {

/// Of each name the best known one.
std::vector<exporters::ManifestMetric> manifest_metrics(const FinalistRecord& finalist) {
  std::vector<exporters::ManifestMetric> metrics;
  for (const report::MetricValue& metric : finalist.metrics) {
    if (best_known(finalist.metrics, metric.name).origin != metric.origin) continue;
    metrics.push_back({metric.name, {metric.value, metric.standard_deviation, metric.origin, {}}});
  }
  if (finalist.test_top1) {
    metrics.push_back({"test_top1", {*finalist.test_top1, 0, estimators::Origin::kMeasured, {}}});
  }
  return metrics;
}

/// Accuracy of the integers, where there are any.
void add_quantized_metrics(const std::optional<CompressionRecord>& compression,
                           std::vector<exporters::ManifestMetric>& metrics) {
  if (!compression || compression->file.empty()) return;
  const auto measured = [&](const char* name, double value) {
    metrics.push_back({name, {value, 0, estimators::Origin::kMeasured, {}}});
  };
  measured("quantized_val_top1", compression->summary.val_top1);
  if (compression->summary.test_top1) {
    measured("quantized_test_top1", *compression->summary.test_top1);
  }
}

constexpr const char* kExportFolder = "export";  // in the run's

std::vector<std::size_t> all_of(const data::Dataset& dataset) {
  std::vector<std::size_t> all(dataset.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  return all;
}

double measure_test_top1(const RunContext& run, const LoadedData& data,
                         const exporters::Model& model) {
  return run.training()
      .evaluate_network(model.network, model.weights, data.source.test, all_of(data.source.test),
                        model.normalisation, run.experiment().finalists.train)
      .top1;
}

/// In the arithmetic of the experiment's runtime.
double measure_quantized_test_top1(const RunContext& run, const LoadedData& data,
                                   const exporters::Model& model) {
  const Experiment& experiment = run.experiment();
  return compression::top1(
      *model.quantized, experiment.device.runtime(experiment.runtime).arithmetic, data.source.test,
      all_of(data.source.test), model.normalisation, run.workers());
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
  std::optional<CompressionRecord> compression;  ///< of this finalist
};

Exportable make_exportable(const Experiment& experiment, const LoadedData& data,
                           const std::filesystem::path& folder, const StoreReader& store,
                           FinalistRecord finalist) {
  exporters::Model model{experiment.name, network_of(finalist), load_weights(folder, finalist),
                         data.normalisation, data.source.train.class_names};
  std::optional<CompressionRecord> compression =
      finalist.chosen ? store.compression() : std::nullopt;
  if (compression && !compression->file.empty()) {
    model.quantized = load_integers(folder, *compression);
  }
  std::string genotype = spaces::to_string(store.trials().at(finalist.trial).genotype);
  return {experiment,          data,
          std::move(finalist), std::move(genotype),
          std::move(model),    std::move(compression)};
}

std::vector<exporters::Artifact> write_artifacts(const Exportable& source,
                                                 std::span<const std::string> formats,
                                                 const std::filesystem::path& to) {
  std::filesystem::create_directories(to);
  const std::vector<std::vector<float>> probes = artifact_probes(source.data);
  std::vector<exporters::Artifact> artifacts;
  for (const std::string& format : formats) {
    artifacts.push_back(exporters::export_model(source.model, format, to, probes));
  }
  return artifacts;
}

void write_manifest_of(const Exportable& source, std::vector<exporters::Artifact> artifacts,
                       const std::filesystem::path& to) {
  const Experiment& experiment = source.experiment;
  std::vector<exporters::ManifestMetric> metrics = manifest_metrics(source.finalist);
  add_quantized_metrics(source.compression, metrics);
  exporters::write_manifest(
      {experiment.name, source.finalist.trial, source.genotype, experiment.device.name,
       experiment.runtime, utc_now(), std::move(metrics), std::move(artifacts)},
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
  const std::filesystem::path to = run.folder() / kExportFolder;
  const auto artifacts = write_artifacts(source, run.experiment().exports, to);
  // The artifacts compute what the network computes (export_model has checked it), so the network
  // stands for them on the test data.
  if (!source.finalist.test_top1) {
    source.finalist.test_top1 = measure_test_top1(run, data, source.model);
    store.set_test_top1(source.finalist.trial, *source.finalist.test_top1);
  }
  std::string message = fmt::format("test_top1 {:.2f}", *source.finalist.test_top1);
  if (source.model.quantized) {
    std::optional<double>& top1 = source.compression->summary.test_top1;
    if (!top1) {
      top1 = measure_quantized_test_top1(run, data, source.model);
      store.set_compressed_test_top1(*top1);
    }
    message += fmt::format(", in integers {:.2f}", *top1);
  }
  write_manifest_of(source, artifacts, to);
  store.set_artifacts(relative_to_run(artifacts, run.folder()));
  run.report(1, message);
  return StageOutcome::kDone;
}

void export_run(const std::filesystem::path& folder, const std::vector<std::string>& formats,
                const std::filesystem::path& to, std::optional<std::uint64_t> trial) {
  const StoreReader store(folder);
  const Experiment experiment = stored_experiment(store);
  const bool as_in_the_run = formats.empty() && !trial;
  if (to.empty() && !as_in_the_run) {
    throw invalid_argument(
        "{}: what the run exported would be replaced: give a folder for other formats or another "
        "trial (--to)",
        (folder / kExportFolder).string());
  }
  FinalistRecord finalist = trial ? finalist_of_trial(store, *trial) : chosen_finalist(store);
  const Inputs inputs = load_inputs(experiment);
  const Exportable source =
      make_exportable(experiment, *inputs.data, folder, store, std::move(finalist));
  const std::filesystem::path into = to.empty() ? folder / kExportFolder : to;
  const std::vector<std::string>& wanted = formats.empty() ? experiment.exports : formats;
  write_manifest_of(source, write_artifacts(source, wanted, into), into);
}

Verification verify_artifact(const std::filesystem::path& file, const std::filesystem::path& run,
                             std::optional<std::uint64_t> trial) {
  std::filesystem::path folder = run;
  if (folder.empty()) {
    folder = std::filesystem::absolute(file).parent_path();
    while (!holds_run(folder) && folder != folder.root_path()) folder = folder.parent_path();
  }
  const StoreReader store(folder);
  const Experiment experiment = stored_experiment(store);
  FinalistRecord finalist = trial ? finalist_of_trial(store, *trial) : chosen_finalist(store);
  const Inputs inputs = load_inputs(experiment);
  const Exportable source =
      make_exportable(experiment, *inputs.data, folder, store, std::move(finalist));
  const auto probes = artifact_probes(source.data);
  const std::string_view format = exporters::format_of(file);
  exporters::require_equal_outputs(source.model, format, file, probes);
  const auto outputs = ir::infer_shapes(source.model.network).back().elements();
  return {.run = folder,
          .format = std::string(format),
          .inputs = probes.size(),
          .outputs = probes.size() * static_cast<std::size_t>(outputs),
          .sha256 = sha256_of_file(file)};
}

}  // namespace hwnas::engine
