#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/config.hpp"
#include "data/dataset.hpp"
#include "estimators/device.hpp"
#include "train/trainer.hpp"

namespace hwnas::engine {

struct Objective {
  std::string metric;  ///< "val_top1" or a cost model's metric
  bool maximize = false;
};

/// A hard limit on a cost model's metric: candidates over it are infeasible and never trained.
struct Limit {
  std::string metric;
  double bound = 0;
};

struct FinalistOptions {
  int count = 1;
  train::TrainOptions train;
};

/// One experiment, fully checked: the one YAML file that runs locally, through the daemon and on a
/// cluster. Schema: docs/experiment.md and `hwnas validate --schema`.
struct Experiment {
  Config config;  ///< as read, --set applied: what the store keeps
  std::string name;
  std::uint64_t seed = 0;
  Config data;  ///< for data::read_data
  double validation_fraction = 0.1;
  Config space;  ///< for spaces::make_space: the file's content with overrides
  estimators::DeviceProfile device;
  std::string runtime;
  std::vector<Objective> objectives;
  std::vector<Limit> limits;
  Config search;           ///< for search::make_strategy
  std::size_t trials = 0;  ///< evaluated ones; infeasible ones are not counted
  std::size_t window = 4;  ///< proposals asked ahead of results; the result depends on it,
                           ///< never on the number of workers
  Config evaluator;        ///< name: train or table, and its options
  FinalistOptions finalists;
  std::vector<std::string> exports;
  int workers = 1;
  int threads_per_worker = 1;

  /// Reads and checks everything that can be checked before the data are read: every key, every
  /// name, every range. Relative file names are relative to the experiment's folder. Throws
  /// InvalidArgument with file:line:column.
  static Experiment parse(Config config, const std::filesystem::path& folder);
  static Experiment load(const std::filesystem::path& file,
                         const std::vector<std::string>& sets = {});
};

/// The schema of an experiment file as text for people: every key, type, range, default.
std::string experiment_schema();

}  // namespace hwnas::engine
