// How fast learned cost models are fitted and predict NAS-Bench-201's encoded cells on a Raspberry
// Pi 4 (HW-NAS-Bench), on two threads. The last line is the figure asked for:
//   encoded  latency (mean and deviation) and peak SRAM of a second's random genotypes, by a table
//            over the 15,625 genotypes; the seconds that making the table takes are printed above
//   direct   latencies a second by the Gaussian process itself, fitted to 50 measurements
//   fit      seconds to fit a stack to 900 measurements, on one thread

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <functional>
#include <map>
#include <thread>

#include "bench/cell_features.hpp"
#include "bench/cost_table.hpp"
#include "core/config.hpp"
#include "core/error.hpp"
#include "core/rng.hpp"
#include "estimators/deployment.hpp"
#include "estimators/gaussian_process.hpp"
#include "estimators/linear_prior.hpp"
#include "estimators/peak_sram.hpp"
#include "estimators/regressors.hpp"
#include "spaces/search_space.hpp"

namespace {

using namespace hwnas;
using estimators::FeatureMatrix;
using estimators::Prediction;

constexpr int kThreads = 2;
constexpr int kDecisions = 6;
constexpr int kOptions = 5;
constexpr int kGenotypes = 15'625;
constexpr const char* kDevice = "raspi4_latency_ms";

using Digits = std::array<std::uint8_t, kDecisions>;

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Runs work(begin, end) on equal parts of `count` on all threads.
void in_parallel(int count, const std::function<void(int, int)>& work) {
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back(work, count * thread / kThreads, count * (thread + 1) / kThreads);
  }
}

struct Measured {
  bench::EncodedNetworks networks;  ///< in the order of their digits
  std::vector<double> costs;
};

Measured load(const std::filesystem::path& data) {
  std::vector<std::string> genotypes(kGenotypes, std::string(kDecisions, '0'));
  for (int i = 0; i < kGenotypes; ++i) {
    for (int rest = i, digit = kDecisions - 1; digit >= 0; --digit, rest /= kOptions) {
      genotypes[i][digit] = static_cast<char>('0' + rest % kOptions);
    }
  }
  const auto table =
      bench::read_cost_tables({data / "hw_nas_bench/nb201_cifar10.csv.gz"}, "ops", {kDevice});
  std::map<std::string, double> costs;
  for (std::size_t i = 0; i < table.genotypes.size(); ++i) {
    costs[table.genotypes[i]] = table.costs.at(kDevice)[i];
  }
  Measured measured{.networks = bench::encode_nasbench201(genotypes), .costs = {}};
  for (const std::string& genotype : genotypes) measured.costs.push_back(costs.at(genotype));
  return measured;
}

struct Samples {
  FeatureMatrix features;
  Eigen::VectorXd costs;
};

Samples draw(const Measured& measured, int count) {
  std::vector<int> rows;
  for (int row = 0; row < kGenotypes; ++row) {
    if (measured.networks.connected[row]) rows.push_back(row);
  }
  Rng(1).shuffle<int>(rows);
  rows.resize(count);
  Samples samples{.features = measured.networks.features(rows, Eigen::all), .costs = {}};
  samples.costs.resize(count);
  for (int i = 0; i < count; ++i) samples.costs[i] = measured.costs[rows[i]];
  return samples;
}

std::unique_ptr<estimators::Regressor> fit(const Measured& measured, int count) {
  const Samples samples = draw(measured, count);
  return estimators::fit_cost_regressor(measured.networks.layout, samples.features, samples.costs,
                                        execution_prior(measured.networks.layout, {}));
}

struct Costs {
  Prediction latency_ms;
  std::int64_t peak_sram_bytes = 0;
};

std::vector<Costs> make_table(const Measured& measured) {
  const auto model = fit(measured, 50);
  const auto space =
      spaces::make_space(Config::load(HWNAS_SOURCE_DIR "/configs/spaces/nasbench201.yaml"),
                         {.input = {3, 32, 32}, .classes = 10});
  std::vector<Costs> table(kGenotypes);
  in_parallel(kGenotypes, [&](int begin, int end) {
    const auto latencies =
        model->predict(measured.networks.features.middleRows(begin, end - begin));
    for (int i = begin; i < end; ++i) {
      spaces::Genotype genotype{std::vector<std::uint16_t>(kDecisions)};
      for (int rest = i, digit = kDecisions - 1; digit >= 0; --digit, rest /= kOptions) {
        genotype.choices[digit] = static_cast<std::uint16_t>(rest % kOptions);
      }
      const auto deployed = estimators::deploy(space->decode(genotype));
      table[i] = {latencies[i - begin], estimators::peak_sram(deployed.network).bytes};
    }
  });
  return table;
}

std::string encoded(const Measured& measured) {
  std::vector<Costs> table;
  const double making = seconds_of([&] { table = make_table(measured); });
  constexpr int kPredictions = 50'000'000;
  std::vector<Digits> genotypes(1 << 16);
  Rng rng(1);
  for (Digits& digits : genotypes) {
    for (std::uint8_t& digit : digits) digit = static_cast<std::uint8_t>(rng.index(kOptions));
  }
  std::atomic<double> checksum = 0;
  const double looking_up = seconds_of([&] {
    in_parallel(kPredictions, [&](int begin, int end) {
      double sum = 0;
      for (int i = begin; i < end; ++i) {
        int index = 0;
        for (const int digit : genotypes[i % genotypes.size()]) index = index * kOptions + digit;
        const Costs& costs = table[index];
        sum += costs.latency_ms.mean + costs.latency_ms.standard_deviation +
               static_cast<double>(costs.peak_sram_bytes);
      }
      checksum += sum;
    });
  });
  fmt::print(
      "table of {} genotypes: {:.2f} s, the fit to 50 measurements included\n"
      "{} genotypes looked up in {:.2f} s (checksum {:.6g})\n",
      kGenotypes, making, kPredictions, looking_up, checksum.load());
  return fmt::format(
      "{:.3g} predictions/s; {:.3g}/s of {} predictions with the making of the table",
      kPredictions / looking_up, kPredictions / (looking_up + making), kPredictions);
}

std::string direct(const Measured& measured) {
  const Samples samples = draw(measured, 50);
  const auto model =
      estimators::fit_gaussian_process(measured.networks.layout, samples.features, samples.costs);
  constexpr int kPasses = 8;
  const double seconds = seconds_of([&] {
    in_parallel(kGenotypes, [&](int begin, int end) {
      for (int pass = 0; pass < kPasses; ++pass) {
        model->predict(measured.networks.features.middleRows(begin, end - begin));
      }
    });
  });
  return fmt::format("{:.3g} predictions/s", kPasses * kGenotypes / seconds);
}

std::string fit_seconds(const Measured& measured) {
  const std::clock_t start = std::clock();
  const double seconds = seconds_of([&] { fit(measured, 900); });
  return fmt::format("{:.1f} s of processor time ({:.1f} s by the clock)",
                     static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC, seconds);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("How fast learned cost models are");
  const char* const folder = std::getenv("HWNAS_DATA");
  std::filesystem::path data = folder != nullptr ? folder : HWNAS_SOURCE_DIR "/../shared/data";
  std::string figure = "encoded";
  app.add_option("--data", data, "folder of hw_nas_bench/");
  const std::map<std::string, std::string (*)(const Measured&)> figures = {
      {"encoded", encoded}, {"direct", direct}, {"fit", fit_seconds}};
  app.add_option("--figure", figure, "encoded, direct or fit")->check(CLI::IsMember(figures));
  CLI11_PARSE(app, argc, argv);
  if (!std::filesystem::exists(data / "hw_nas_bench")) {
    fmt::print("skipped: no {}; set HWNAS_DATA\n", (data / "hw_nas_bench").string());
    return 0;
  }
  try {
    fmt::print("{}\n", figures.at(figure)(load(data)));
  } catch (const Error& e) {
    fmt::print(stderr, "cost_model_speed: {}\n", e.what());
    return 1;
  }
}
