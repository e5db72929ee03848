#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/App.hpp>

#include "estimators/cost_model.hpp"
#include "estimators/device.hpp"
#include "spaces/search_space.hpp"

namespace hwnas::cli {

/// The folder from which commands that have no experiment look for configs/ (see
/// engine::config_folders): below the working folder.
inline constexpr const char* kExperiments = "configs/experiments";

/// What `space` and `predict` are asked about.
struct SubjectOptions {
  std::string file;  ///< of a space or of an experiment
  std::string input;
  int classes = 0;
  std::string device;
  std::string runtime;
};

/// EXPERIMENT-OR-SPACE, --input and --classes.
void add_space_options(CLI::App& command, SubjectOptions& options, bool required);
/// --device and --runtime.
void add_device_options(CLI::App& command, SubjectOptions& options);

struct SubjectSpace {
  spaces::Task task;
  std::unique_ptr<spaces::SearchSpace> space;
};

/// Of an experiment, the data are read only if --input and --classes are not given. Throws
/// InvalidArgument if a space file comes without them.
SubjectSpace load_space(const SubjectOptions& options);

struct Target {
  estimators::DeviceProfile device;
  estimators::RuntimeProfile runtime;
};

/// The device of --device, else of the experiment; nothing if there is neither. The runtime may be
/// left out where the device has only one.
std::optional<Target> load_target(const SubjectOptions& options);

/// All cost models for a target.
std::vector<std::unique_ptr<estimators::CostModel>> cost_models_for(const Target& target);

/// "tflite_micro, stm32cubeai".
std::string runtimes_of(const estimators::DeviceProfile& device);

/// "1x28x28".
std::string to_text(const ir::Shape& shape);

}  // namespace hwnas::cli
