// Sample efficiency of the search strategies on the published tables of NAS-Bench-201:
//   nb201_search --data ../shared/data --seeds 200 [--json]
// Every evaluation is of another network. Accuracies are validation values of the table.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "bench/nb201.hpp"
#include "core/error.hpp"
#include "search/pareto.hpp"

namespace hwnas::bench {
namespace {

constexpr std::array<std::size_t, 3> kBudgets = {100, 200, 500};
constexpr std::array<std::size_t, 3> kWindows = {1, 2, 8};

struct Statistic {
  double mean = 0;
  double standard_deviation = 0;
};

/// One line of the result: a method's quality at each budget.
struct Row {
  std::string study;
  std::string method;
  std::size_t window = 1;
  std::array<Statistic, kBudgets.size()> at;
  std::optional<double> found = {};  ///< share of seeds that have the optimum at the last budget
  int digits = 3;                    ///< worth printing
};

/// Numbers measured before with other implementations (plain Python, 500 seeds for accuracies, 30
/// for hypervolumes) on the same tables; standard deviations where known.
struct Reference {
  std::string_view study;
  std::string_view method;
  std::array<double, kBudgets.size()> at;
};
constexpr std::string_view kC10 = "best validation accuracy, CIFAR-10";
constexpr std::string_view kC100 = "best validation accuracy, CIFAR-100";
constexpr Reference kReferences[] = {
    {kC10, "random", {90.75, 90.91, 91.10}},
    {kC10, "aging evolution 10/3", {91.11, 91.31, 91.45}},
    {kC10, "aging evolution 50/10, no repeats", {91.17, 91.44, 91.56}},
    {kC10, "aging evolution 100/25", {90.75, 91.37, 91.51}},
    {kC10, "local search", {91.13, 91.34, 91.50}},
    {kC100, "random", {71.48, 71.91, 72.45}},
    {kC100, "aging evolution 10/3", {72.45, 72.95, 73.21}},
    {kC100, "aging evolution 50/10, no repeats", {72.63, 73.21, 73.26}},
    {kC100, "aging evolution 100/25", {71.48, 73.12, 73.26}},
    {kC100, "local search", {72.44, 73.08, 73.25}},
    {"raspi4", "random", {.921, .941, .962}},
    {"raspi4", "NSGA-II, population 20", {.940, .965, .987}},
    {"eyeriss", "random", {.912, .935, .963}},
    {"eyeriss", "NSGA-II, population 20", {.939, .973, .993}},
    {"fpga", "random", {.891, .925, .956}},
    {"fpga", "NSGA-II, population 20", {.924, .969, .987}},
    {"pixel3", "random", {.934, .952, .969}},
    {"pixel3", "NSGA-II, population 20", {.955, .972, .988}},
};

Statistic statistic(const std::vector<double>& values) {
  const double n = static_cast<double>(values.size());
  double mean = 0;
  for (const double x : values) mean += x / n;
  double variance = 0;
  for (const double x : values) variance += (x - mean) * (x - mean) / std::max(1.0, n - 1);
  return {mean, std::sqrt(variance)};
}

/// numpy's default: linear between order statistics.
double percentile(std::vector<double> values, double percent) {
  std::ranges::sort(values);
  const double position = percent / 100 * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  const std::size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (position - static_cast<double>(below)) * (values[above] - values[below]);
}

std::unique_ptr<search::Strategy> make(std::string_view name, const spaces::SearchSpace& space,
                                       std::size_t objectives, std::uint64_t seed) {
  return search::make_strategy(space, objectives, seed,
                               Config::parse(fmt::format("strategy: {}", name), "bench"));
}

/// Quality at the budgets of each seed's run; `quality()` is asked after every evaluation.
template <typename NewRun>
Row measure(std::string study, std::string_view strategy, std::size_t window,
            std::size_t objectives, int seeds, std::optional<double> optimum, NewRun new_run) {
  const auto space = nb201_space();
  std::array<std::vector<double>, kBudgets.size()> qualities;
  for (int seed = 0; seed < seeds; ++seed) {
    auto run = new_run();
    std::size_t evaluations = 0;
    const auto searcher = make(strategy, *space, objectives, static_cast<std::uint64_t>(seed));
    simulate(*searcher, kBudgets.back(), window, [&](const spaces::Genotype& genotype) {
      std::vector<double> result = run.evaluate(cell_of(genotype));
      ++evaluations;
      for (std::size_t i = 0; i < kBudgets.size(); ++i) {
        if (evaluations == kBudgets[i]) qualities[i].push_back(run.quality());
      }
      return result;
    });
  }
  Row row{.study = std::move(study), .method = std::string(strategy), .window = window, .at = {}};
  for (std::size_t i = 0; i < kBudgets.size(); ++i) row.at[i] = statistic(qualities[i]);
  if (optimum) {
    const auto count = std::ranges::count(qualities.back(), *optimum);
    row.found = static_cast<double>(count) / seeds;
  }
  return row;
}

/// Best accuracy so far.
struct AccuracyRun {
  const std::vector<double>& accuracy;
  double best = 0;

  std::vector<double> evaluate(std::size_t cell) {
    best = std::max(best, accuracy[cell]);
    return {-accuracy[cell]};
  }
  double quality() const { return best; }
};

/// Error against latency, as a share of the hypervolume of the table's front.
struct Tradeoff {
  std::vector<std::vector<double>> objectives;  ///< of every cell
  std::vector<double> reference;
  double full_hypervolume = 0;

  Tradeoff(const std::vector<double>& accuracy, std::vector<double> latency, double worst_error) {
    reference = {worst_error, percentile(latency, 99)};
    const double least = percentile(latency, 0.1);
    search::ParetoArchive front;
    for (std::size_t cell = 0; cell < accuracy.size(); ++cell) {
      objectives.push_back({100 - accuracy[cell], std::max(latency[cell], least)});
      front.insert({.id = cell, .objectives = objectives.back()});
    }
    full_hypervolume = search::hypervolume(front.points(), reference);
  }
};

struct TradeoffRun {
  const Tradeoff& problem;
  search::ParetoArchive front = {};

  std::vector<double> evaluate(std::size_t cell) {
    front.insert({.id = cell, .objectives = problem.objectives[cell]});
    return problem.objectives[cell];
  }
  double quality() const {
    return search::hypervolume(front.points(), problem.reference) / problem.full_hypervolume;
  }
};

std::vector<Row> measure_accuracy(const std::filesystem::path& data, int seeds) {
  const auto file = data / "nasbench201" / "nb201_accuracy.csv.gz";
  std::vector<Row> rows;
  for (const auto& [study, column] :
       {std::pair(kC10, "c10_val_200ep"), std::pair(kC100, "c100_val_200ep")}) {
    const std::vector<double> accuracy = read_cells(file, column);
    const double optimum = std::ranges::max(accuracy);
    for (const std::string_view strategy : {"random", "local_search", "aging_evolution"}) {
      for (const std::size_t window : kWindows) {
        rows.push_back(measure(std::string(study), strategy, window, 1, seeds, optimum,
                               [&] { return AccuracyRun{accuracy}; }));
        rows.back().digits = 2;
      }
    }
  }
  return rows;
}

std::vector<Row> measure_tradeoffs(const std::filesystem::path& data, int seeds) {
  struct Pair {
    const char* device;
    const char* accuracy;
    double worst_error;
  };
  const auto accuracies = data / "nasbench201" / "nb201_accuracy.csv.gz";
  const auto latencies = data / "help" / "nb201_latency_ms.csv.gz";
  std::vector<Row> rows;
  for (const auto& [device, accuracy, worst_error] :
       {Pair{"raspi4", "c100_val_200ep", 60}, Pair{"eyeriss", "c100_val_200ep", 60},
        Pair{"fpga", "c100_val_200ep", 60}, Pair{"pixel3", "c10_val_200ep", 30}}) {
    const Tradeoff problem(read_cells(accuracies, accuracy), read_cells(latencies, device),
                           worst_error);
    for (const std::string_view strategy : {"random", "nsga2"}) {
      for (const std::size_t window : kWindows) {
        rows.push_back(measure(device, strategy, window, 2, seeds, std::nullopt,
                               [&] { return TradeoffRun{problem}; }));
      }
    }
  }
  return rows;
}

void print_references(std::string_view study, int digits) {
  for (const Reference& reference : kReferences) {
    if (reference.study != study) continue;
    fmt::print("  {:<44}", fmt::format("reference: {}", reference.method));
    for (const double x : reference.at) fmt::print("  {:.{}f}       ", x, digits);
    fmt::print("\n");
  }
}

/// What asking ahead costs: the mean with a window of 1 less the mean with this one.
void print_loss(const Row& row, const Row& window_1) {
  fmt::print("  loss");
  for (std::size_t i = 0; i < kBudgets.size(); ++i) {
    fmt::print(" {:.{}f}", window_1.at[i].mean - row.at[i].mean, row.digits);
  }
}

void print_text(const std::vector<Row>& rows, int seeds) {
  fmt::print("{} seeds; mean ± standard deviation after {} evaluations; loss: by windows over 1.\n",
             seeds, fmt::join(kBudgets, " / "));
  fmt::print("Devices: hypervolume of error and latency as a share of the table's front's.\n");
  std::string_view study;
  const Row* window_1 = nullptr;
  for (const Row& row : rows) {
    if (row.study != study) {
      study = row.study;
      fmt::print("\n{}\n", study);
      print_references(study, row.digits);
    }
    fmt::print("  {:<44}", fmt::format("{}, window {}", row.method, row.window));
    for (const Statistic& s : row.at) {
      fmt::print("  {:.{}f} ±{:.{}f}", s.mean, row.digits, s.standard_deviation, row.digits);
    }
    if (row.found) fmt::print("  optimum {:3.0f} %", 100 * *row.found);
    if (row.window == 1) {
      window_1 = &row;
    } else {
      print_loss(row, *window_1);
    }
    fmt::print("\n");
  }
}

void print_json(const std::vector<Row>& rows, int seeds) {
  nlohmann::json result = nlohmann::json::array();
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < kBudgets.size(); ++i) {
      result.push_back({{"study", row.study},
                        {"strategy", row.method},
                        {"window", row.window},
                        {"evaluations", kBudgets[i]},
                        {"mean", row.at[i].mean},
                        {"standard_deviation", row.at[i].standard_deviation},
                        {"seeds", seeds}});
    }
  }
  std::cout << result.dump(2) << '\n';
}

}  // namespace
}  // namespace hwnas::bench

int main(int argc, char** argv) {
  CLI::App app("Sample efficiency of the search strategies on NAS-Bench-201's tables");
  std::string data = "../shared/data";
  int seeds = 200;
  bool json = false;
  app.add_option("--data", data, "folder of nasbench201/ and help/")->envname("HWNAS_DATA");
  app.add_option("--seeds", seeds, "runs a strategy")->check(CLI::Range(1, 100'000));
  app.add_flag("--json", json, "print JSON");
  CLI11_PARSE(app, argc, argv);
  try {
    std::vector<hwnas::bench::Row> rows = hwnas::bench::measure_accuracy(data, seeds);
    std::ranges::move(hwnas::bench::measure_tradeoffs(data, seeds), std::back_inserter(rows));
    json ? hwnas::bench::print_json(rows, seeds) : hwnas::bench::print_text(rows, seeds);
  } catch (const hwnas::Error& e) {
    fmt::print(stderr, "nb201_search: {}\n", e.what());
    return 1;
  }
}
