// How many networks a second the cost models predict from an ir::Network, on two threads: networks
// of the quickstart's space, decoded beforehand. The last line is the figure asked for, networks a
// second: "features" the row of network_features, "latency" and "memory" one cost model's
// prediction, "network" all three one after the other.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <ctime>
#include <functional>
#include <map>
#include <thread>

#include "core/config.hpp"
#include "core/error.hpp"
#include "core/rng.hpp"
#include "estimators/cost_model.hpp"
#include "estimators/network_features.hpp"
#include "spaces/search_space.hpp"

namespace {

using namespace hwnas;

std::vector<ir::Network> sample_networks(int count) {
  const Config options = Config::load(HWNAS_SOURCE_DIR "/configs/spaces/mobile_mcu.yaml");
  const auto space = spaces::make_space(options, {.input = {1, 28, 28}, .classes = 10});
  Rng rng(1);
  std::vector<ir::Network> networks;
  for (int i = 0; i < count; ++i) {
    networks.push_back(space->decode(spaces::sample(*space, rng)));
  }
  return networks;
}

struct Rate {
  double a_second = 0;
  double a_processor_second = 0;  ///< of all threads together, whatever else the machine does
};

/// Calls of `predict` by threads that take the networks in turn.
Rate networks_per_second(const std::vector<ir::Network>& networks, int threads, double seconds,
                         const std::function<double(const ir::Network&)>& predict) {
  std::atomic<std::int64_t> done = 0;
  std::atomic<double> checksum = 0;  // keeps the predictions from being optimised away
  const auto start = std::chrono::steady_clock::now();
  const std::clock_t processor_start = std::clock();
  const auto elapsed = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  std::vector<std::jthread> workers;
  for (int thread = 0; thread < threads; ++thread) {
    workers.emplace_back([&, thread] {
      std::size_t next = static_cast<std::size_t>(thread);
      double sum = 0;
      while (elapsed() < seconds) {
        sum += predict(networks[next % networks.size()]);
        next += static_cast<std::size_t>(threads);
        ++done;
      }
      checksum += sum;
    });
  }
  workers.clear();
  const double count = static_cast<double>(done);
  const double processor_seconds =
      static_cast<double>(std::clock() - processor_start) / CLOCKS_PER_SEC;
  return {count / elapsed(), count / processor_seconds};
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Networks a second that cost models predict");
  std::string figure = "network";
  int threads = 2;
  double seconds = 2;
  app.add_option("--figure", figure)
      ->check(CLI::IsMember({"network", "features", "latency", "memory"}));
  app.add_option("--threads", threads)->check(CLI::Range(1, 256));
  app.add_option("--seconds", seconds)->check(CLI::Range(0.1, 600.0));
  CLI11_PARSE(app, argc, argv);
  try {
    const std::vector<ir::Network> networks = sample_networks(1000);
    const estimators::DeviceProfile device =
        estimators::load_device(HWNAS_SOURCE_DIR "/configs/devices/stm32f746.yaml");
    const estimators::RuntimeProfile& runtime = device.runtime("tflite_micro");
    const auto latency = estimators::make_cost_model("latency_ms", device, runtime);
    const auto memory = estimators::make_cost_model("peak_sram_bytes", device, runtime);
    const std::size_t columns = estimators::network_feature_layout().names.size();
    const std::map<std::string, std::function<double(const ir::Network&)>> predictions = {
        {"features",
         [&](const ir::Network& network) {
           std::vector<double> row(columns);
           estimators::network_features(network, runtime.fusion, std::nullopt, row);
           return row.back();
         }},
        {"latency", [&](const ir::Network& network) { return latency->predict(network).value; }},
        {"memory", [&](const ir::Network& network) { return memory->predict(network).value; }}};
    double layers = 0;
    for (const ir::Network& network : networks)
      layers += static_cast<double>(network.layers.size());
    fmt::print("{} networks of {:.0f} layers in the mean, {} threads\n", networks.size(),
               layers / static_cast<double>(networks.size()), threads);
    std::map<std::string, Rate> rates;
    for (const auto& [name, predict] : predictions) {
      rates[name] = networks_per_second(networks, threads, seconds, predict);
    }
    rates["network"] =
        networks_per_second(networks, threads, seconds, [&](const ir::Network& network) {
          double sum = 0;
          for (const auto& [name, predict] : predictions) sum += predict(network);
          return sum;
        });
    for (const auto& [name, rate] : rates) {
      fmt::print("{:10} {:10.0f} a second, {:10.0f} a second of one processor\n", name,
                 rate.a_second, rate.a_processor_second);
    }
    fmt::print("{:.0f}\n", rates.at(figure).a_second);
  } catch (const Error& fault) {
    fmt::print(stderr, "prediction_speed: {}\n", fault.what());
    return 1;
  }
}
