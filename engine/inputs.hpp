#pragma once

#include <memory>
#include <optional>

#include "data/dataset.hpp"
#include "engine/experiment.hpp"
#include "spaces/search_space.hpp"
#include "train/trainer.hpp"

namespace hwnas::engine {

/// The data of an experiment, split and measured. Validation samples come out of the training data;
/// the normalisation is that of the training split.
struct LoadedData {
  data::DataSource source;
  data::Split split;
  data::Normalisation normalisation;
};

/// For trainings on the whole training split; refers to `data`.
train::TrainData train_data(const LoadedData& data);

/// What all stages read: made by the prepare stage, the same in every attempt of a run.
struct Inputs {
  std::optional<LoadedData> data;  ///< absent with `data: { name: none }`
  spaces::Task task;
  std::unique_ptr<spaces::SearchSpace> space;
};

/// Throws what readers and space families throw.
Inputs load_inputs(const Experiment& experiment);

}  // namespace hwnas::engine
