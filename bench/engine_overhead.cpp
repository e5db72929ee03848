// What the engine costs: the wall time of a search stage with one worker, over the time that its
// trainings took inside it. All else is asking, costs, storing, telling and waiting. The last line
// is the ratio.
//
//   build/release/bench/engine_overhead [EXPERIMENT]
//
// Expected: at most 1.02.

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "core/error.hpp"
#include "core/scratch_folder.hpp"
#include "engine/pipeline.hpp"

namespace {

using namespace hwnas;
namespace fs = std::filesystem;

double search_seconds(const report::RunSummary& run) {
  const auto stage = std::ranges::find(run.stages, "search", &report::StageSummary::name);
  if (stage == run.stages.end()) throw error(ErrorCode::kInternal, "the run has no search stage");
  return stage->seconds;
}

double training_seconds(const report::RunSummary& run) {
  double sum = 0;
  for (const auto& trial : run.trials) sum += trial.end_seconds - trial.start_seconds;
  return sum;
}

}  // namespace

int main(int argc, char** argv) try {
  const fs::path file =
      argc > 1 ? fs::path(argv[1])
               : fs::path(HWNAS_SOURCE_DIR) / "configs/experiments/fashion_mnist_mcu.yaml";
  const auto experiment = engine::Experiment::load(
      file, {"search.trials=4", "search.population=4", "evaluator.epochs=1",
             "evaluator.subset=6000", "finalists={count: 0}", "export=[]", "execution.workers=1"});
  const ScratchFolder folder;
  engine::start_run(experiment, {.folder = folder.path() / "run"});
  const auto run = engine::summarise_run(folder.path() / "run");
  fmt::print("search {:.3f} s, trainings in it {:.3f} s\n{:.4f}\n", search_seconds(run),
             training_seconds(run), search_seconds(run) / training_seconds(run));
  return 0;
} catch (const hwnas::Error& failure) {
  fmt::print(stderr, "engine_overhead: {}\n", failure.what());
  return 1;
}
