// What the engine costs: the wall time of a search stage with one worker, over the time of training
// the very same candidates in a plain loop. Alternating rounds; the last line is the median ratio.
//
//   build/release/bench/engine_overhead [EXPERIMENT] [ROUNDS]
//
// Expected: at most 1.02 on a quiet machine.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "core/error.hpp"
#include "engine/pipeline.hpp"
#include "spaces/search_space.hpp"
#include "train/trainer.hpp"

namespace {

using namespace hwnas;
namespace fs = std::filesystem;

/// A run folder that is gone afterwards.
class TemporaryRun {
 public:
  TemporaryRun() {
    std::string pattern = (fs::temp_directory_path() / "engine_overhead.XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) {
      throw error(ErrorCode::kUnavailable, "cannot create {}", pattern);
    }
    folder_ = pattern;
  }
  ~TemporaryRun() { fs::remove_all(folder_); }
  TemporaryRun(const TemporaryRun&) = delete;
  TemporaryRun& operator=(const TemporaryRun&) = delete;
  fs::path run() const { return folder_ / "run"; }

 private:
  fs::path folder_;
};

double stage_seconds(const report::RunSummary& run, const std::string& name) {
  for (const auto& stage : run.stages) {
    if (stage.name == name) return stage.seconds;
  }
  throw error(ErrorCode::kInternal, "the run has no stage '{}'", name);
}

/// Trains every trained candidate of the run again, one after the other.
double plain_loop_seconds(const report::RunSummary& run, const engine::Experiment& experiment,
                          const data::DataSource& source) {
  const auto space = spaces::make_space(
      experiment.space, {source.train.shape, static_cast<int>(source.train.class_names.size())});
  const auto split =
      data::stratified_split(source.train, experiment.validation_fraction, experiment.seed);
  const auto subset = experiment.evaluator.int_or("subset", 0, 0, 1 << 30);
  const auto samples = data::stratified_subset(source.train, split.train,
                                               static_cast<std::size_t>(subset), experiment.seed);
  const train::TrainData data{&source.train, samples, split.validation,
                              data::measure_normalisation(source.train, split.train)};
  const auto options = train::train_options_from_config(experiment.evaluator);
  const auto start = std::chrono::steady_clock::now();
  for (const auto& trial : run.trials) {
    if (trial.state != search::TrialState::kComplete) continue;
    const auto network = space->decode(spaces::genotype_from_string(trial.genotype));
    train::train_network(network, data, options, trial.id);
  }
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

int main(int argc, char** argv) try {
  const fs::path file =
      argc > 1 ? fs::path(argv[1])
               : fs::path(HWNAS_SOURCE_DIR) / "configs/experiments/fashion_mnist_mcu.yaml";
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 5;
  const auto experiment = engine::Experiment::load(
      file,
      {"search.trials=6", "search.population=4", "evaluator.epochs=1", "evaluator.subset=12000",
       "finalists.epochs=1", "finalists.count=1", "execution.workers=1"});
  train::set_worker_threads(1, 1);
  const data::DataSource source = data::read_data(experiment.data, experiment.folder);
  std::vector<double> ratios;
  for (int round = 0; round < rounds; ++round) {
    const TemporaryRun folder;
    engine::start_run(experiment, {.folder = folder.run()});
    const auto run = engine::summarise_run(folder.run());
    const double with_engine = stage_seconds(run, "search");
    const double plain = plain_loop_seconds(run, experiment, source);
    ratios.push_back(with_engine / plain);
    fmt::print("round {}: engine {:.2f} s, plain loop {:.2f} s, ratio {:.3f}\n", round + 1,
               with_engine, plain, ratios.back());
  }
  std::nth_element(ratios.begin(), ratios.begin() + ratios.size() / 2, ratios.end());
  fmt::print("{:.3f}\n", ratios[ratios.size() / 2]);
  return 0;
} catch (const hwnas::Error& failure) {
  fmt::print(stderr, "engine_overhead: {}\n", failure.what());
  return 1;
}
