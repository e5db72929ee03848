#include <sched.h>
#include <unistd.h>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/scratch_folder.hpp"
#include "core/sha256.hpp"
#include "measurement/c_export.hpp"
#include "measurement/environment.hpp"
#include "measurement/option_values.hpp"
#include "measurement/runner_rows.hpp"
#include "measurement/runner_tools.hpp"
#include "measurement/timing_program.hpp"

namespace hwnas::measurement {

namespace {

constexpr std::size_t kMaxOutputBytes = std::size_t{4} << 20;

struct HostOptions {
  std::string compiler;
  std::vector<std::string> flags;
  TimingOptions timing;
  std::chrono::milliseconds time_limit;
};

/// The highest processor that this process may use: the first one has most of the interrupts.
int last_cpu() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  sched_getaffinity(0, sizeof allowed, &allowed);
  for (int cpu = CPU_SETSIZE - 1; cpu > 0; --cpu) {
    if (CPU_ISSET(cpu, &allowed)) return cpu;
  }
  return 0;
}

class HostRunner : public Runner {
 public:
  explicit HostRunner(HostOptions options) : options_(std::move(options)) {}

  std::string_view name() const override { return "host"; }

  Measurement measure(const Artifact& artifact, std::stop_token stop) override {
    Measurement measurement = begun(artifact, name(), estimators::Origin::kMeasured);
    const std::filesystem::path& file = artifact.main_file();
    if (file.extension() == ".c") return measure_source(artifact, std::move(measurement), stop);
    if (access(file.c_str(), X_OK) == 0) return run(file, std::move(measurement), stop);
    return failed(std::move(measurement), Status::kRefused,
                  fmt::format("{}: the runner 'host' takes C exports (.c) and timing programs; "
                              "for other files use 'command' with a benchmark tool",
                              file.string()));
  }

 private:
  Measurement measure_source(const Artifact& artifact, Measurement measurement,
                             const std::stop_token& stop) const {
    const ScratchFolder folder;
    try {
      const CExport network = read_c_export(artifact);
      network.write_to(folder.path());
      write_file_atomically(folder.path() / "main.c", timing_source(network.model));
    } catch (const Error& changed) {
      return failed(std::move(measurement), Status::kRefused, changed.what());
    }
    std::vector<std::string> arguments = {options_.compiler, "-std=gnu99"};
    arguments.insert(arguments.end(), options_.flags.begin(), options_.flags.end());
    const std::string tool = fmt::format("{}", fmt::join(arguments, " "));
    for (const char* argument : {"-o", "program", "model.c", "main.c", "-lm"}) {
      arguments.emplace_back(argument);
    }
    const ProcessRequest compiler{.arguments = std::move(arguments),
                                  .folder = folder.path(),
                                  .input = {},
                                  .output = {},
                                  .time_limit = options_.time_limit};
    const ProcessResult compiled = run_or_cancel(compiler, stop);
    if (!compiled.succeeded()) {
      const bool refused = compiled.end == ProcessEnd::kExited;
      return failed(std::move(measurement), refused ? Status::kRefused : status_of(compiled),
                    reason_of(compiler, compiled));
    }
    measurement = run(folder.path() / "program", std::move(measurement), stop);
    measurement.environment.tool = tool;
    return measurement;
  }

  Measurement run(const std::filesystem::path& program, Measurement measurement,
                  const std::stop_token& stop) const {
    ProcessRequest request{.arguments = timing_arguments(options_.timing),
                           .folder = {},
                           .input = {},
                           .output = {},
                           .time_limit = options_.time_limit,
                           .max_output_bytes = kMaxOutputBytes};
    request.arguments.insert(request.arguments.begin(), program.string());
    const HostState host;
    const ProcessResult result = run_or_cancel(request, stop);
    measurement.environment = host.read(std::nullopt);
    measurement.environment.binary_sha256 = sha256_of_file(program);
    if (!result.succeeded()) {
      return failed(std::move(measurement), status_of(result), reason_of(request, result));
    }
    measurement = with_timings(std::move(measurement), result.output);
    if (const std::optional<int> cpu = measurement.environment.pinned_cpu) {
      measurement.environment.governor = host.read(cpu).governor;
    }
    return measurement;
  }

  HostOptions options_;
};

}  // namespace

std::unique_ptr<Runner> make_host(const Config& options) {
  options.require_known_keys({"runner", "compiler", "flags", "cpu", "min_runs", "min_seconds",
                              "max_seconds", "relative_interval", "warm_up_runs", "time_limit_s"});
  HostOptions own;
  own.compiler = options.string_or("compiler", "cc");
  own.flags = words_or(options, "flags", {"-O2"});
  own.timing.cpu = static_cast<int>(options.int_or("cpu", last_cpu(), -1, CPU_SETSIZE - 1));
  own.timing.min_runs = static_cast<int>(options.int_or("min_runs", 30, 1, 20'000));
  own.timing.min_seconds = options.double_or("min_seconds", 0.2, 0, 3600);
  own.timing.max_seconds = options.double_or("max_seconds", 10, 0.001, 3600);
  own.timing.relative_interval = options.double_or("relative_interval", 0.01, 0, 1);
  own.timing.warm_up_runs = static_cast<int>(options.int_or("warm_up_runs", 10, 0, 1'000'000));
  own.time_limit = time_limit_or(options, 60);
  if (own.time_limit.count() < 1000 * own.timing.max_seconds) {
    options.fail(
        fmt::format("time_limit_s must not be less than max_seconds ({})", own.timing.max_seconds));
  }
  return std::make_unique<HostRunner>(std::move(own));
}

}  // namespace hwnas::measurement
