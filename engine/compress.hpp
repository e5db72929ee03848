#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/experiment.hpp"
#include "engine/training.hpp"
#include "exporters/exporter.hpp"
#include "report/run_summary.hpp"

#include <nlohmann/json_fwd.hpp>

namespace hwnas::engine {

/// Compression outside of a run's own pipeline: of a run's chosen finalist, or of a user's model.
struct CompressRequest {
  std::filesystem::path subject;      ///< a run's folder, or a file for exporters::import_model
  std::optional<Config> data;         ///< for data::read_data; of a model file only, and needed
  std::filesystem::path data_folder;  ///< what its relative file names are relative to
  std::optional<estimators::DeviceProfile> device;  ///< instead of the run's
  std::string runtime;                              ///< of the device
  std::vector<Limit> limits;  ///< beside the run's, if the device is the run's
  std::vector<Config> passes;
  std::vector<std::string> formats;  ///< for exporters::export_model
  std::filesystem::path to;          ///< folder for artifacts, manifest.json and kCompressResult
  std::uint64_t seed = 0;
  int workers = 1;
  std::function<void(const std::string&)> log;
  std::stop_token stop = {};
};

/// What came of it. Costs are those of the device, by cost metric, of the float network (32-bit
/// weights and activations), with all layers in int8, and as it was compressed.
struct CompressResult {
  report::CompressionSummary summary;
  std::optional<double> float_test_top1;
  std::vector<exporters::Artifact> artifacts;
  struct Cost {
    std::string metric;
    double in_float = 0;
    double in_int8 = 0;
    estimators::Estimate compressed;
  };
  std::vector<Cost> costs;
};

/// The file beside the artifacts that has to_json of the result; written last.
inline constexpr const char* kCompressResult = "compression.json";
/// Accuracies in percent, costs, passes and artifacts (docs/cli.md).
nlohmann::json to_json(const CompressResult& result);

/// What can be checked without subject and data. Throws InvalidArgument for a pass (at its place),
/// "formats: …" and "limits: …".
void require_valid(const CompressRequest& request);

/// Throws what require_valid, import_model, read_data, passes and exporters throw, InvalidArgument
/// if the data do not fit the model or it is in integers already, SearchFailed if no pass was
/// accepted, Cancelled if it was stopped.
CompressResult compress_model(const CompressRequest& request, const Training& training);

}  // namespace hwnas::engine
