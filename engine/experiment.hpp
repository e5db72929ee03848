#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/config.hpp"
#include "engine/config_files.hpp"
#include "engine/device_measurer.hpp"
#include "engine/differentiable_section.hpp"
#include "estimators/device.hpp"
#include "spaces/search_space.hpp"
#include "train/supernet.hpp"

namespace hwnas::engine {

struct Objective {
  std::string metric;  ///< one of the evaluator's ("val_top1") or a cost model's
  bool maximize = false;
};

/// A hard limit on a cost model's metric: candidates over it are infeasible and never trained.
struct Limit {
  std::string metric;
  double bound = 0;
  /// Probability with which the cost must keep the bound, given the model's uncertainty. One half:
  /// the predicted value itself is held against it.
  double confidence = 0.5;
};

/// How the chosen points of the front are trained fully.
struct FinalistOptions {
  int count = 0;  ///< 0: none, and nothing is exported
  train::TrainOptions train;
  /// Where candidates are scored by a supernet: start from its weights, with its largest network as
  /// the teacher.
  bool inherit = true;
  double distillation_weight = 0.5;  ///< see train::TrainStart
};

/// A supernet that scores candidates with shared weights.
struct SupernetSection {
  train::SupernetOptions options;
  /// How many networks are trained alone, to see how well the supernet ranks them; 0: none.
  int check_networks = 0;
  double least_tau = 0;  ///< of Kendall's tau between the two; below it the scores are not used
  train::TrainOptions check_training = {};
  /// How each part is trained on if the supernet is split because the check has failed; absent: it
  /// is not split.
  std::optional<train::TrainOptions> few_shot = {};
};

/// One experiment, fully checked: the one YAML file that runs locally, through the daemon and on a
/// cluster. Schema: docs/experiment.md and `hwnas validate --schema`.
struct Experiment {
  /// As read, --set applied, with the contents of the space's and the device's file in the places
  /// of their names: parses again to the same experiment, whatever becomes of those files. This is
  /// what the store keeps.
  Config config;
  std::filesystem::path folder;  ///< absolute; what relative file names are relative to
  std::string name;
  std::uint64_t seed = 0;
  Config data;  ///< for data::read_data, with folder
  /// What the space is built for where there are no data (`data: { name: none }`).
  std::optional<spaces::Task> task_without_data;
  double validation_fraction = 0.1;
  Config space;  ///< for spaces::make_space
  estimators::DeviceProfile device;
  std::string runtime;
  std::string latency_model;  ///< text of the runtime's learned model; empty: it has none
  std::vector<Objective> objectives;
  std::vector<Limit> limits;
  Config search;           ///< for search::make_strategy
  std::size_t trials = 0;  ///< evaluated ones; infeasible ones are not counted
  /// Of search after which nothing more is proposed; absent: `trials` alone end it.
  std::optional<double> search_minutes;
  std::size_t window = 4;  ///< evaluations ahead of the results that the strategy has been told;
                           ///< the result depends on it, never on the number of workers
  std::size_t max_infeasible = 10000;  ///< so many in a row end the run with an error
  std::optional<SupernetSection> supernet;
  std::optional<DifferentiableSection> differentiable;
  Config evaluator;  ///< a row of evaluators() and its options
  /// How candidates are measured on the device during the search; absent: never.
  std::optional<MeasurementOptions> measurement;
  FinalistOptions finalists;
  std::vector<Config> compression;  ///< a row of compression::passes() and its options each
  std::vector<std::string> exports;
  int workers = 1;
  int threads_per_worker = 1;

  /// Reads and checks everything that can be checked before the data are read: every key, every
  /// name, every range. Relative file names are relative to `folder`, the experiment's own. Throws
  /// InvalidArgument or NotFound, with file:line:column.
  /// `latency_model`: text of the runtime's learned model, if it is not to be read from beside the
  /// device's file.
  static Experiment parse(const Config& config, const std::filesystem::path& folder,
                          const std::string& latency_model = {});
  /// The messages of all faults for which parse would refuse it, one a section at most, the one
  /// that it throws first; what follows from another fault is left out. Empty: there is none.
  static std::vector<std::string> faults(const Config& config, const std::filesystem::path& folder);
  /// `sets`: "search.trials=8", applied before the checks.
  static Experiment load(const std::filesystem::path& file,
                         const std::vector<std::string>& sets = {});
};

/// A file of YAML, changed by `sets`: "search.trials=8". Throws what Config::load and Config::set
/// throw, InvalidArgument for a set without key or "=".
Config load_with_sets(const std::filesystem::path& file, const std::vector<std::string>& sets);

/// The schema of an experiment file as text for people: every key, type, range, default.
std::string experiment_schema();

}  // namespace hwnas::engine
