#include "engine/inputs.hpp"

#include "engine/seed_stream.hpp"

namespace hwnas::engine {
namespace {

LoadedData load_data(const Experiment& experiment) {
  LoadedData loaded;
  loaded.source = data::read_data(experiment.data, experiment.folder);
  loaded.split = data::stratified_split(loaded.source.train, experiment.validation_fraction,
                                        stream_seed(experiment.seed, SeedStream::kValidationSplit));
  loaded.normalisation = data::measure_normalisation(loaded.source.train, loaded.split.train);
  return loaded;
}

}  // namespace

Inputs load_inputs(const Experiment& experiment) {
  Inputs inputs;
  if (experiment.task_without_data) {
    inputs.task = *experiment.task_without_data;
  } else {
    inputs.data = load_data(experiment);
    const data::Dataset& train = inputs.data->source.train;
    inputs.task = {train.shape, static_cast<int>(train.class_names.size())};
  }
  inputs.space = spaces::make_space(experiment.space, inputs.task);
  return inputs;
}

train::TrainData train_data(const LoadedData& data) {
  return {&data.source.train, data.split.train, data.split.validation, data.normalisation};
}

}  // namespace hwnas::engine
