// One-shot search against evolution at equal time, about half an hour each on two cores: the fronts
// that they end with, on configs/experiments/fashion_mnist_mcu_oneshot.yaml and
// fashion_mnist_mcu.yaml.
//
//   one_shot_race [--seeds 5] [--folder build/one_shot_race]
//
// The evolution's search takes what is left of the one-shot run's time when it has the same number
// of finalists. Each run ends with four finalists, spread over its front and trained on all
// training images. A run's figure is the hypervolume of these in validation accuracy and latency,
// as a share of the rectangle from 85 % and 150 ms to 100 % and 0 ms. What is done is kept in the
// folder: killed at any time, the next call goes on. The last line is the number of seeds for which
// one-shot's figure is the higher one.
#include <fmt/format.h>
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <algorithm>
#include <array>
#include <cstdio>

#include "core/error.hpp"
#include "engine/front.hpp"
#include "engine/pipeline.hpp"
#include "engine/store.hpp"
#include "search/pareto.hpp"

namespace {

using namespace hwnas;
namespace fs = std::filesystem;

constexpr double kWorstTop1 =
    85;  // below what the smallest network within the limits reaches alone
constexpr double kWorstLatency = 150;  // ms; the largest network's is 149.6 (hwnas space describe)

// Of the time that finalists take with a teacher, what they take without: 5.4 of 13.8 s an epoch.
constexpr double kUntaughtShare = 0.4;

report::RunSummary finished_run(const std::string& experiment, std::vector<std::string> settings,
                                std::uint64_t seed, const fs::path& folder) {
  const fs::path run = folder / fmt::format("{}_{}", experiment, seed);
  const auto tell = [](const engine::Progress& progress) {
    if (progress.message.empty()) return;
    fmt::print("  {}\n", progress.message);
    std::fflush(stdout);
  };
  if (engine::holds_run(run)) {
    engine::resume_run({.folder = run, .progress = tell});
  } else {
    settings.insert(settings.end(), {fmt::format("seed={}", seed), "finalists.count=4",
                                     "compression=[]", "export=[]"});
    const auto file = fs::path(HWNAS_SOURCE_DIR) / "configs/experiments" / (experiment + ".yaml");
    engine::start_run(engine::Experiment::load(file, settings), {.folder = run, .progress = tell});
  }
  return engine::summarise_run(run);
}

double seconds_of(const report::RunSummary& run) {
  double seconds = 0;
  for (const report::StageSummary& stage : run.stages) seconds += stage.seconds;
  return seconds;
}

/// What evolution may search so that both runs take as long.
double minutes_of_search(const report::RunSummary& one_shot) {
  const auto finalists =
      std::ranges::find(one_shot.stages, "finalists", &report::StageSummary::name);
  if (finalists == one_shot.stages.end()) {
    throw error(ErrorCode::kInternal, "the one-shot run has no finalists");
  }
  return (seconds_of(one_shot) - kUntaughtShare * finalists->seconds) / 60;
}

double volume_of(const report::RunSummary& run) {
  std::vector<search::ParetoPoint> points;
  for (const report::FinalistSummary& finalist : run.finalists) {
    const double top1 = engine::best_known_value(finalist.metrics, "val_top1");
    const double latency = engine::best_known_value(finalist.metrics, "latency_ms");
    points.push_back({.id = finalist.trial, .objectives = {-top1, latency}});
    fmt::print("  {:.2f} % in {:.1f} ms\n", top1, latency);
  }
  const std::array reference{-kWorstTop1, kWorstLatency};
  return search::hypervolume(points, reference) / ((100 - kWorstTop1) * kWorstLatency);
}

/// Whether one-shot search has the larger volume.
bool race(std::uint64_t seed, const fs::path& folder) {
  const report::RunSummary one_shot = finished_run("fashion_mnist_mcu_oneshot", {}, seed, folder);
  if (!one_shot.rank_check || !one_shot.rank_check->used) {
    fmt::print("seed {}: the supernet's scores as first trained were not used\n", seed);
  }
  const double one_shot_volume = volume_of(one_shot);
  const report::RunSummary evolution =
      finished_run("fashion_mnist_mcu",
                   {"search.trials=100000", "search.population=32",
                    fmt::format("search.minutes={:.1f}", minutes_of_search(one_shot))},
                   seed, folder);
  const double evolution_volume = volume_of(evolution);
  fmt::print("seed {}: one-shot {:.4f} in {:.0f} s, evolution {:.4f} in {:.0f} s\n", seed,
             one_shot_volume, seconds_of(one_shot), evolution_volume, seconds_of(evolution));
  return one_shot_volume > evolution_volume;
}

}  // namespace

int main(int argc, char** argv) try {
  CLI::App app("one-shot search against evolution at equal time");
  int seeds = 5;
  fs::path folder = "build/one_shot_race";
  app.add_option("--seeds", seeds)->check(CLI::Range(1, 100))->capture_default_str();
  app.add_option("--folder", folder)->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  int wins = 0;
  for (int seed = 1; seed <= seeds; ++seed) wins += race(seed, folder) ? 1 : 0;
  fmt::print("{}\n", wins);
  return 0;
} catch (const std::exception& failure) {
  fmt::print(stderr, "one_shot_race: {}\n", failure.what());
  return 1;
}
