#pragma once

#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/device_measurer.hpp"
#include "engine/experiment_sections.hpp"
#include "engine/pipeline.hpp"
#include "estimators/latency_model.hpp"

namespace hwnas::engine {

/// Which networks are to be measured on which device, and how. Schema: docs/measurement.md.
struct ProfilePlan {
  std::string name;      ///< of the device that is written
  std::string summary;   ///< empty: that of the device it starts from
  DeviceSection device;  ///< whose rates are the start, and what is not measured
  Config space;
  spaces::Task task;
  std::uint64_t seed = 0;
  int networks = 0;   ///< to learn from
  int held_back = 0;  ///< to judge the model with; never learned from
  int reference_every = 10;
  double max_drift = 0.02;
  MeasurementOptions measurement;
  std::string text;  ///< the plan as YAML

  /// Reads and checks a file. Throws InvalidArgument or NotFound with file:line:column.
  static ProfilePlan load(const std::filesystem::path& file);
};

/// A network of the plan with what was predicted for it before anything was measured.
struct ProfiledNetwork {
  std::string name;
  spaces::Genotype genotype;
  bool held_back = false;
  double profile_ms = 0;    ///< by the rates of the device that the plan starts from
  double predicted_ms = 0;  ///< by the model learned
  double sd_ms = 0;         ///< of that prediction
  measurement::Measurement measurement;
};

struct ProfileResult {
  RunState state = RunState::kFinished;
  std::vector<ProfiledNetwork> networks;  ///< those learned from, then those held back
  std::shared_ptr<const estimators::LatencyModel> model;
  double profile_mape = 0;  ///< of the device that the plan starts from, on the networks held back
  std::filesystem::path device_file;
  std::filesystem::path model_file;
  std::filesystem::path picture_file;  ///< predictions over measurements of those held back
};

struct ProfileOptions {
  std::filesystem::path work;  ///< keeps measurements.jsonl, so that an interrupted one goes on
  std::filesystem::path to;    ///< folder for <name>.yaml, <name>.latency.json and .svg
  ProgressSink progress = {};
  std::stop_token stop = {};
};

/// Measures the plan's networks in random order, learns the latency of the device, and writes a
/// device file with the model beside it. Measured already are what `work` has of the same plan;
/// another plan's is refused (AlreadyExists). Throws FailedPrecondition if fewer than five networks
/// to learn from, or none of those held back, could be measured.
ProfileResult profile_device(const ProfilePlan& plan, const ProfileOptions& options);

}  // namespace hwnas::engine
