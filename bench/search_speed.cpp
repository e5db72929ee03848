// Speed of the search core. Google Benchmark rows, or one figure as the last line:
//   search_speed --figure aging_evolution       candidates/s, NAS-Bench-201 space, population 50
//   search_speed --figure aging_evolution_5e20  candidates/s, 5^20 genotypes
//   search_speed --figure nsga2                 candidates/s, NAS-Bench-201 space, population 100
//   search_speed --figure nsga2_5e20            candidates/s, 5^20 genotypes
//   search_speed --figure ask_tell_p99          slowest strategy with 100,000 finished trials

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/nb201.hpp"
#include "core/error.hpp"
#include "estimators/cost_model.hpp"
#include "estimators/deployment.hpp"
#include "estimators/peak_sram.hpp"
#include "search/aging_evolution.hpp"
#include "search/nsga2.hpp"
#include "search/pareto.hpp"

namespace hwnas::bench {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// 5^20 genotypes, all canonical; never decoded.
class LargeSpace final : public spaces::SearchSpace {
 public:
  LargeSpace() {
    for (int i = 0; i < 20; ++i) {
      decisions_.push_back({fmt::format("decision{}", i), {"0", "1", "2", "3", "4"}});
    }
  }
  std::span<const spaces::Decision> decisions() const override { return decisions_; }
  ir::Network decode(const spaces::Genotype&) const override {
    throw error(ErrorCode::kInternal, "the benchmark's large space has no networks");
  }

 private:
  std::vector<spaces::Decision> decisions_;
};

/// Tabular objectives: a table by cell, or by pairs of neighbouring choices where the space is too
/// large for one. Made-up values of two conflicting goals; the speed does not depend on them.
class Table {
 public:
  explicit Table(std::size_t objectives) : objectives_(objectives) {
    Rng rng(1);
    for (double& value : by_cell_) value = rng.uniform();
    for (double& value : by_pair_) value = rng.uniform();
  }

  void evaluate(search::Trial& trial) const {
    const auto& choices = trial.genotype.choices;
    trial.state = search::TrialState::kComplete;
    trial.objectives.resize(objectives_);
    for (std::size_t k = 0; k < objectives_; ++k) {
      trial.objectives[k] = choices.size() == 6 ? by_cell_[cell_of(trial.genotype) + k * kCells]
                                                : sum_over_pairs(choices, k);
    }
  }

 private:
  double sum_over_pairs(const std::vector<std::uint16_t>& choices, std::size_t k) const {
    double sum = 0;
    for (std::size_t i = 0; i + 1 < choices.size(); ++i) {
      sum += by_pair_[k * 25 + choices[i] * 5U + choices[i + 1]];
    }
    return sum;
  }

  std::size_t objectives_;
  std::vector<double> by_cell_ = std::vector<double>(2 * kCells);
  std::vector<double> by_pair_ = std::vector<double>(2 * 25);
};

using MakeStrategy = std::function<std::unique_ptr<search::Strategy>(std::uint64_t seed)>;

/// One candidate at a time; a new search with the next seed where the space is exhausted.
class AskTellLoop {
 public:
  AskTellLoop(MakeStrategy make, std::size_t objectives)
      : make_(std::move(make)), table_(objectives), strategy_(make_(0)) {}

  void step() {
    std::vector<search::Proposal> proposals = strategy_->ask(1);
    if (proposals.empty()) {
      strategy_ = make_(++seed_);
      proposals = strategy_->ask(1);
    }
    search::Trial trial{.id = next_id_++, .genotype = std::move(proposals.front().genotype)};
    table_.evaluate(trial);
    strategy_->tell({&trial, 1});
  }

 private:
  MakeStrategy make_;
  Table table_;
  std::uint64_t seed_ = 0;
  std::uint64_t next_id_ = 0;
  std::unique_ptr<search::Strategy> strategy_;
};

const spaces::SearchSpace& cells() {
  static const auto space = nb201_space();
  return *space;
}
const spaces::SearchSpace& large_space() {
  static const LargeSpace space;
  return space;
}

MakeStrategy aging_evolution(const spaces::SearchSpace& space) {
  return [&space](std::uint64_t seed) {
    return std::make_unique<search::AgingEvolution>(space, seed);
  };
}
MakeStrategy nsga2(const spaces::SearchSpace& space) {
  return [&space](std::uint64_t seed) {
    return std::make_unique<search::Nsga2>(space, 2, seed, search::Nsga2Options{.population = 100});
  };
}
MakeStrategy registered(const search::StrategyInfo& info, const spaces::SearchSpace& space,
                        std::size_t objectives) {
  return [&info, &space, objectives](std::uint64_t seed) {
    return info.make(space, objectives, seed, Config::parse("{}", "bench"), {});
  };
}

// Figures.

/// Of this process, so that other programs on the machine do not count.
double cpu_seconds() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

/// Median of five rounds of a million candidates, each from a fresh strategy; CPU time.
void print_candidates_per_second(const MakeStrategy& make, std::size_t objectives) {
  constexpr int kCandidates = 1'000'000;
  std::vector<double> rates;
  for (int round = 0; round < 5; ++round) {
    AskTellLoop loop(make, objectives);
    const double start = cpu_seconds();
    for (int i = 0; i < kCandidates; ++i) loop.step();
    rates.push_back(kCandidates / (cpu_seconds() - start));
    fmt::print("round {}: {:.3g} candidates/s\n", round + 1, rates.back());
  }
  std::ranges::sort(rates);
  fmt::print("{:.3g} candidates/s\n", rates[rates.size() / 2]);
}

void print_ask_tell_p99() {
  constexpr int kFinished = 100'000;
  constexpr int kTimed = 20'000;
  double worst = 0;
  for (const search::StrategyInfo& info : search::strategies()) {
    AskTellLoop loop(registered(info, large_space(), 2), 2);
    for (int i = 0; i < kFinished; ++i) loop.step();
    std::vector<double> seconds;
    for (int i = 0; i < kTimed; ++i) {
      const auto start = Clock::now();
      loop.step();
      seconds.push_back(seconds_since(start));
    }
    std::ranges::sort(seconds);
    const double p99 = seconds[kTimed * 99 / 100];
    fmt::print("{}: p99 {:.4f} ms, slowest {:.4f} ms\n", info.name, 1e3 * p99,
               1e3 * seconds.back());
    worst = std::max(worst, p99);
  }
  fmt::print("{:.4f} ms\n", 1e3 * worst);
}

struct Figure {
  std::string_view name;
  void (*print)();
};
constexpr Figure kFigures[] = {
    {"aging_evolution", [] { print_candidates_per_second(aging_evolution(cells()), 1); }},
    {"aging_evolution_5e20",
     [] { print_candidates_per_second(aging_evolution(large_space()), 1); }},
    {"nsga2", [] { print_candidates_per_second(nsga2(cells()), 2); }},
    {"nsga2_5e20", [] { print_candidates_per_second(nsga2(large_space()), 2); }},
    {"ask_tell_p99", print_ask_tell_p99},
};

int print_figure(std::string_view name) {
  for (const Figure& figure : kFigures) {
    if (figure.name != name) continue;
    figure.print();
    return 0;
  }
  std::vector<std::string_view> names;
  for (const Figure& figure : kFigures) names.push_back(figure.name);
  fmt::print(stderr, "search_speed: no figure '{}'; there are {}\n", name, fmt::join(names, ", "));
  return 2;
}

// Google Benchmark rows.

void ask_tell(benchmark::State& state, const MakeStrategy& make, std::size_t objectives) {
  AskTellLoop loop(make, objectives);
  for (auto _ : state) loop.step();
  state.SetItemsProcessed(state.iterations());
}

/// Points on a sphere around the reference: none dominates another.
std::vector<search::ParetoPoint> front_of(std::size_t n, std::size_t m) {
  Rng rng(2);
  std::vector<search::ParetoPoint> points(n);
  for (search::ParetoPoint& point : points) {
    double norm = 0;
    for (std::size_t k = 0; k < m; ++k) {
      point.objectives.push_back(std::abs(rng.normal()));
      norm += point.objectives.back() * point.objectives.back();
    }
    for (double& x : point.objectives) x = 1 - x / std::sqrt(norm);
  }
  return points;
}

void hypervolume(benchmark::State& state) {
  const auto m = static_cast<std::size_t>(state.range(0));
  const auto points = front_of(static_cast<std::size_t>(state.range(1)), m);
  const std::vector<double> reference(m, 1.0);
  for (auto _ : state) benchmark::DoNotOptimize(search::hypervolume(points, reference));
}
BENCHMARK(hypervolume)->ArgNames({"objectives", "points"})->ArgsProduct({{2, 3}, {100, 1000}});

/// A whole front, point by point.
void archive_insert(benchmark::State& state) {
  const auto points =
      front_of(static_cast<std::size_t>(state.range(1)), static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    search::ParetoArchive archive;
    for (const search::ParetoPoint& point : points) archive.insert(point);
    benchmark::DoNotOptimize(archive.points().data());
  }
  state.SetItemsProcessed(state.iterations() * state.range(1));
}
BENCHMARK(archive_insert)->ArgNames({"objectives", "points"})->ArgsProduct({{2, 3}, {100, 1000}});

const std::filesystem::path kConfigs = std::filesystem::path(HWNAS_SOURCE_DIR) / "configs";

/// Input and classes of the tasks that configs/spaces/ are made for.
spaces::Task task_of(const Config& space) {
  if (space.at("family").as_string() == "conv1d") {
    return {.input = {.channels = 3, .height = 1, .width = 128}, .classes = 6};
  }
  return {.input = {.channels = 3, .height = 32, .width = 32}, .classes = 10};
}

/// Draws from a space of configs/spaces/, the same in every run.
struct Sample {
  static constexpr std::size_t kSize = 64;

  explicit Sample(const std::string& name) {
    const Config config = Config::load(kConfigs / "spaces" / (name + ".yaml"));
    space = spaces::make_space(config, task_of(config));
    Rng rng(3);
    for (std::size_t i = 0; i < kSize; ++i) genotypes.push_back(spaces::sample(*space, rng));
  }
  std::vector<ir::Network> networks() const {
    std::vector<ir::Network> networks;
    for (const spaces::Genotype& genotype : genotypes) networks.push_back(space->decode(genotype));
    return networks;
  }

  std::unique_ptr<spaces::SearchSpace> space;
  std::vector<spaces::Genotype> genotypes;
};

void decode(benchmark::State& state, const std::string& space) {
  const Sample sample(space);
  std::size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(sample.space->decode(sample.genotypes[i++ % Sample::kSize]));
  }
}

void canonical(benchmark::State& state, const std::string& space) {
  const Sample sample(space);
  std::size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(sample.space->canonical(sample.genotypes[i++ % Sample::kSize]));
  }
}

void predict(benchmark::State& state, std::string_view metric) {
  const auto device = estimators::load_device(kConfigs / "devices/stm32f746.yaml");
  const auto model = estimators::make_cost_model(metric, device, device.runtimes.front());
  const std::vector<ir::Network> networks = Sample("mobile_mcu").networks();
  std::size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(model->predict(networks[i++ % Sample::kSize]).value);
  }
}

void peak_sram(benchmark::State& state, const std::string& space) {
  std::vector<ir::Network> networks;
  for (const ir::Network& network : Sample(space).networks()) {
    networks.push_back(estimators::deploy(network).network);
  }
  std::size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(estimators::peak_sram(networks[i++ % Sample::kSize]).bytes);
  }
}

template <typename... Args>
void add_row(const std::string& name, Args&&... args) {
  benchmark::RegisterBenchmark(name.c_str(), std::forward<Args>(args)...);
}

void register_rows() {
  for (const search::StrategyInfo& info : search::strategies()) {
    add_row(fmt::format("ask_tell/{}/nasbench201", info.name), ask_tell,
            registered(info, cells(), 2), 2);
    add_row(fmt::format("ask_tell/{}/5e20", info.name), ask_tell,
            registered(info, large_space(), 2), 2);
  }
  std::vector<std::string> space_names;
  for (const auto& entry : std::filesystem::directory_iterator(kConfigs / "spaces")) {
    space_names.push_back(entry.path().stem().string());
  }
  std::ranges::sort(space_names);
  for (const std::string& space : space_names) {
    add_row("decode/" + space, decode, space);
    add_row("canonical/" + space, canonical, space);
    add_row("peak_sram/" + space, peak_sram, space);
  }
  for (const estimators::CostModelInfo& info : estimators::cost_models()) {
    add_row(fmt::format("predict/{}", info.metric), predict, info.metric);
  }
}

}  // namespace
}  // namespace hwnas::bench

int main(int argc, char** argv) {
  try {
    if (argc == 3 && std::string_view(argv[1]) == "--figure") {
      return hwnas::bench::print_figure(argv[2]);
    }
    hwnas::bench::register_rows();
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    benchmark::RunSpecifiedBenchmarks();
  } catch (const hwnas::Error& e) {
    fmt::print(stderr, "search_speed: {}\n", e.what());
    return 1;
  }
}
