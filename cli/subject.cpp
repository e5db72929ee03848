#include "cli/subject.hpp"

#include <fmt/format.h>

#include <cstdio>

#include "core/config.hpp"
#include "core/error.hpp"
#include "data/dataset.hpp"
#include "engine/config_files.hpp"
#include "engine/experiment.hpp"

namespace hwnas::cli {
namespace {

bool is_space_file(const Config& config) {
  return config.has("family");
}

bool names_an_experiment(const SubjectOptions& options) {
  return !options.file.empty() && !is_space_file(Config::load(options.file));
}

ir::Shape parse_shape(const std::string& text) {
  ir::Shape shape;
  int end = 0;
  const int found = std::sscanf(text.c_str(), "%6dx%6dx%6d%n", &shape.channels, &shape.height,
                                &shape.width, &end);
  if (found != 3 || end != static_cast<int>(text.size()) || shape.channels < 1 ||
      shape.height < 1 || shape.width < 1)
    throw invalid_argument("--input '{}' is not CHANNELSxHEIGHTxWIDTH, e.g. 3x32x32", text);
  return shape;
}

spaces::Task task_of_options(const SubjectOptions& options) {
  if (options.input.empty() || options.classes == 0)
    throw invalid_argument(
        "{}: a space file says nothing of the data; give --input, e.g. 3x32x32, and --classes",
        options.file);
  return {parse_shape(options.input), options.classes};
}

spaces::Task task_of(const engine::Experiment& experiment) {
  if (experiment.task_without_data) return *experiment.task_without_data;
  const data::Dataset train = data::read_data(experiment.data, experiment.folder).train;
  return {train.shape, static_cast<int>(train.class_names.size())};
}

Target target_of(estimators::DeviceProfile device, std::string runtime) {
  if (runtime.empty() && device.runtimes.size() == 1) runtime = device.runtimes.front().name;
  if (runtime.empty())
    throw invalid_argument("{} has several runtimes; give --runtime, one of: {}", device.name,
                           runtimes_of(device));
  estimators::RuntimeProfile profile = device.runtime(runtime);
  return {std::move(device), std::move(profile)};
}

}  // namespace

void add_space_options(CLI::App& command, SubjectOptions& options, bool required) {
  command.add_option("FILE", options.file, "Experiment or space file")
      ->type_name("FILE")
      ->required(required);
  command.add_option("--input", options.input, "Shape of the input, e.g. 1x28x28 [the data's]")
      ->type_name("CxHxW");
  command.add_option("--classes", options.classes, "Number of classes [the data's]")
      ->check(CLI::Range(1, 1'000'000));
}

void add_device_options(CLI::App& command, SubjectOptions& options) {
  command.add_option("--device", options.device,
                     "Device of `hwnas list devices`, or a device file [the experiment's]");
  command.add_option("--runtime", options.runtime, "Runtime of the device [the experiment's]");
}

SubjectSpace load_space(const SubjectOptions& options) {
  SubjectSpace subject;
  if (names_an_experiment(options)) {
    const auto experiment = engine::Experiment::load(options.file);
    const bool given = !options.input.empty() && options.classes > 0;
    subject.task = given ? task_of_options(options) : task_of(experiment);
    subject.space = spaces::make_space(experiment.space, subject.task);
  } else {
    subject.task = task_of_options(options);
    subject.space = spaces::make_space(Config::load(options.file), subject.task);
  }
  return subject;
}

std::optional<Target> load_target(const SubjectOptions& options) {
  if (!options.device.empty()) {
    const bool is_file = std::filesystem::path(options.device).extension() == ".yaml";
    return target_of(
        estimators::load_device(is_file ? std::filesystem::path(options.device)
                                        : engine::device_file(options.device, kExperiments)),
        options.runtime);
  }
  if (!names_an_experiment(options)) return std::nullopt;
  auto experiment = engine::Experiment::load(options.file);
  return target_of(std::move(experiment.device),
                   options.runtime.empty() ? experiment.runtime : options.runtime);
}

std::vector<std::unique_ptr<estimators::CostModel>> cost_models_for(const Target& target) {
  std::vector<std::unique_ptr<estimators::CostModel>> models;
  for (const auto& row : estimators::cost_models())
    models.push_back(row.make(target.device, target.runtime));
  return models;
}

std::string runtimes_of(const estimators::DeviceProfile& device) {
  std::vector<std::string> names;
  for (const auto& runtime : device.runtimes) names.push_back(runtime.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string to_text(const ir::Shape& shape) {
  return fmt::format("{}x{}x{}", shape.channels, shape.height, shape.width);
}

}  // namespace hwnas::cli
