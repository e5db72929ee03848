// Energy on the Jetson TX2 of HW-NAS-Bench from 5 measured energies: of networks whose latency was
// measured, and of networks whose latency was learned from 50 measurements, the 5 among them. The
// last line has the shares of networks within 10 %, means over draws.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <filesystem>

#include "bench/cell_features.hpp"
#include "bench/cost_table.hpp"
#include "core/error.hpp"
#include "core/rng.hpp"
#include "estimators/linear_prior.hpp"
#include "estimators/power_times_latency.hpp"
#include "estimators/rank_statistics.hpp"
#include "estimators/regressors.hpp"

namespace {

using namespace hwnas;
using estimators::Agreement;
using estimators::Prediction;

constexpr int kLatencies = 50;
constexpr int kEnergies = 5;
constexpr const char* kLatency = "edgegpu_latency_ms";
constexpr const char* kEnergy = "edgegpu_energy_mJ";

Eigen::VectorXd picked(const std::vector<double>& column, std::span<const int> rows) {
  Eigen::VectorXd result(std::ssize(rows));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    result[static_cast<Eigen::Index>(i)] = column[rows[i]];
  }
  return result;
}

struct Draw {
  Agreement measured;  ///< latency
  Agreement learned;
};

Draw draw(const bench::CostTable& table, const bench::EncodedNetworks& networks,
          std::vector<int> rows, int seed) {
  Rng rng(derive_seed(static_cast<std::uint64_t>(seed), {}));
  rng.shuffle<int>(rows);
  const std::span<const int> all = rows;
  const auto measured = all.first(kLatencies);
  const auto held_back = all.subspan(kLatencies);
  const Eigen::VectorXd latencies = picked(table.costs.at(kLatency), measured);
  const Eigen::VectorXd energies = picked(table.costs.at(kEnergy), measured.first(kEnergies));
  auto latency = estimators::fit_cost_regressor(
      networks.layout,
      networks.features(std::vector<int>(measured.begin(), measured.end()), Eigen::all), latencies,
      execution_prior(networks.layout, {}));
  const auto energy = fit_power(std::move(latency), latencies.head(kEnergies), energies);
  const Eigen::VectorXd truths = picked(table.costs.at(kEnergy), held_back);
  const Eigen::VectorXd known = picked(table.costs.at(kLatency), held_back);
  std::vector<Prediction> from_measured;
  for (const double milliseconds : known) from_measured.push_back({energy->power() * milliseconds});
  const auto from_learned = energy->predict(
      networks.features(std::vector<int>(held_back.begin(), held_back.end()), Eigen::all));
  const std::span<const double> truth(truths.data(), held_back.size());
  return {estimators::agreement(from_measured, truth), estimators::agreement(from_learned, truth)};
}

void run(const std::filesystem::path& file, int draws) {
  const bench::CostTable table = bench::read_cost_tables({file}, "ops", {kLatency, kEnergy});
  const bench::EncodedNetworks networks = bench::encode_nasbench201(table.genotypes);
  std::vector<int> rows;
  for (std::size_t row = 0; row < table.genotypes.size(); ++row) {
    if (networks.connected[row]) rows.push_back(static_cast<int>(row));
  }
  double from_measured = 0;
  double from_learned = 0;
  double covered = 0;
  for (int seed = 0; seed < draws; ++seed) {
    const Draw result = draw(table, networks, rows, seed);
    from_measured += 100 * result.measured.within_10 / draws;
    from_learned += 100 * result.learned.within_10 / draws;
    covered += 100 * result.learned.coverage_90 / draws;
  }
  fmt::print("{} draws; 90 % intervals from learned latency cover {:.1f} %\n", draws, covered);
  fmt::print(
      "within ±10 %: {:.1f} % from measured latency and {} energies, {:.1f} % from {} "
      "latencies and {} energies\n",
      from_measured, kEnergies, from_learned, kLatencies, kEnergies);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Energy from latency and few energies");
  const char* const folder = std::getenv("HWNAS_DATA");
  std::filesystem::path data = folder != nullptr ? folder : HWNAS_SOURCE_DIR "/../shared/data";
  int draws = 10;
  app.add_option("--data", data, "folder of hw_nas_bench/");
  app.add_option("--seeds", draws, "draws of measurements")->check(CLI::Range(1, 10'000));
  CLI11_PARSE(app, argc, argv);
  const std::filesystem::path file = data / "hw_nas_bench/nb201_cifar10.csv.gz";
  if (!std::filesystem::exists(file)) {
    fmt::print("skipped: no {}; set HWNAS_DATA\n", file.string());
    return 0;
  }
  try {
    run(file, draws);
  } catch (const Error& e) {
    fmt::print(stderr, "energy_from_latency: {}\n", e.what());
    return 1;
  }
}
