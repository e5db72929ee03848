#include "engine/run_facts.hpp"

#include <fmt/chrono.h>

#include <ctime>
#include <fstream>
#include <thread>

namespace hwnas::engine {

std::string utc_now() {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
}

std::string machine_description() {
  std::ifstream cpuinfo("/proc/cpuinfo");
  std::string processor = "unknown processor";
  for (std::string line; std::getline(cpuinfo, line);) {
    if (line.starts_with("model name") && line.find(": ") != std::string::npos) {
      processor = line.substr(line.find(": ") + 2);
      break;
    }
  }
  return fmt::format("{}, {} cores", processor, std::thread::hardware_concurrency());
}

RunRecord record_of(const Experiment& experiment) {
  return {experiment.config.to_yaml(),
          experiment.folder.string(),
          HWNAS_VERSION,
          machine_description(),
          utc_now(),
          "",
          experiment.latency_model,
          experiment.supernet.has_value(),
          experiment.differentiable.has_value()};
}

Experiment stored_experiment(const StoreReader& store) {
  const RunRecord run = store.run();
  return Experiment::parse(Config::parse(run.experiment, "the stored experiment"), run.folder,
                           run.latency_model);
}

}  // namespace hwnas::engine
