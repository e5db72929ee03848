#include <array>
#include <vector>

#include "measurement/runner.hpp"
#include "measurement/runner_rows.hpp"

namespace hwnas::measurement {

namespace {

constexpr std::array kRunners = {
    RunnerInfo{"host", "the C export, compiled and run on this processor",
               "compiler (cc), flags ([-O2]), cpu (the last), min_runs (30), min_seconds (0.2), "
               "max_seconds (10), relative_interval (0.01), warm_up_runs (10), time_limit_s (60)",
               make_host},
    RunnerInfo{"command", "any tool, by a command and a pattern for its output",
               "command, push, pattern, unit (ms), refusal, runs (50), warm_up_runs (10), "
               "lost_code (255), retries (0), time_limit_s (300)",
               make_command},
    RunnerInfo{"agent", "`hwnas agent` on the device",
               "address, token_file, tls_ca, time_limit_s (600), silence_s (10)", make_agent},
    RunnerInfo{"qemu_cortex_m", "instructions of the C export in an emulated microcontroller",
               "board (mps2-an386), flash_bytes, ram_bytes, stack_bytes (4096), flags ([-O2]), "
               "shift (5), cycles_per_instruction, clock_hz, time_limit_s (120)",
               make_qemu_cortex_m},
};

}  // namespace

std::span<const RunnerInfo> runners() {
  return kRunners;
}

std::unique_ptr<Runner> make_runner(const Config& options) {
  std::vector<std::string> names;
  for (const RunnerInfo& row : kRunners) names.emplace_back(row.name);
  return kRunners[options.at("runner").as_one_of(names)].make(options);
}

}  // namespace hwnas::measurement
