#include <charconv>
#include <cmath>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/scratch_folder.hpp"
#include "core/sha256.hpp"
#include "exporters/c.hpp"
#include "exporters/c_header.hpp"
#include "exporters/c_text.hpp"
#include "measurement/c_export.hpp"
#include "measurement/firmware.hpp"
#include "measurement/firmware_sources.hpp"
#include "measurement/option_values.hpp"
#include "measurement/runner_rows.hpp"
#include "measurement/runner_tools.hpp"

namespace hwnas::measurement {

namespace {

struct QemuOptions {
  FirmwareOptions firmware;
  int shift = 5;  ///< an instruction takes 2^shift ns of the board's time
  std::optional<double> cycles_per_instruction;
  std::optional<double> clock_hz;
  std::chrono::milliseconds time_limit;
};

/// The number after "<name> 0x" at the start of a line.
std::optional<std::uint64_t> printed_number(std::string_view output, std::string_view name) {
  const std::string key = fmt::format("{} 0x", name);
  const std::size_t place = output.find(key);
  if (place == std::string_view::npos) return std::nullopt;
  if (place > 0 && output[place - 1] != '\n') return std::nullopt;
  output.remove_prefix(place + key.size());
  std::uint64_t number = 0;
  const auto [end, failure] =
      std::from_chars(output.data(), output.data() + output.size(), number, 16);
  if (failure != std::errc{}) return std::nullopt;
  return number;
}

class QemuRunner : public Runner {
 public:
  explicit QemuRunner(QemuOptions options) : options_(std::move(options)) {}

  std::string_view name() const override { return "qemu_cortex_m"; }

  Measurement measure(const Artifact& artifact, std::stop_token stop) override {
    Measurement measurement = begun(artifact, name(), estimators::Origin::kEmulated);
    const std::filesystem::path& file = artifact.main_file();
    if (file.extension() == ".elf") return emulated(file, std::move(measurement), stop);
    if (file.extension() != ".c") {
      return failed(std::move(measurement), Status::kRefused,
                    fmt::format("{}: the runner 'qemu_cortex_m' takes C exports (.c) and firmware "
                                "(.elf)",
                                file.string()));
    }
    const ScratchFolder folder;
    try {
      const CExport network = read_c_export(artifact);
      network.write_to(folder.path());
      const std::string id = exporters::c_identifier(network.model);
      write_file_atomically(folder.path() / "run.c",
                            exporters::fill(kRunExport, {{"name", network.model},
                                                         {"id", id},
                                                         {"NAME", exporters::upper_case(id)}}));
    } catch (const Error& changed) {
      return failed(std::move(measurement), Status::kRefused, changed.what());
    }
    return built(folder.path(), std::move(measurement), stop);
  }

 private:
  Measurement built(const std::filesystem::path& folder, Measurement measurement,
                    const std::stop_token& stop) const {
    const Firmware firmware = build_firmware(options_.firmware, folder, stop);
    if (firmware.status != Status::kOk) {
      return failed(std::move(measurement), firmware.status, firmware.reason);
    }
    measurement.flash_bytes = static_cast<double>(firmware.flash_bytes);
    measurement.ram_bytes = static_cast<double>(firmware.ram_bytes);
    measurement = emulated(firmware.file, std::move(measurement), stop);
    measurement.environment.tool =
        fmt::format("{}; {}", firmware.tool, measurement.environment.tool);
    return measurement;
  }

  Measurement emulated(const std::filesystem::path& firmware, Measurement measurement,
                       const std::stop_token& stop) const {
    const Board& board = *options_.firmware.board;
    // Devices that are not named here would read this process's input or open windows.
    const ProcessRequest request{
        .arguments = {"qemu-system-arm", "-M", std::string(board.name), "-display", "none",
                      "-monitor", "none", "-serial", "none", "-no-reboot", "-icount",
                      fmt::format("shift={}", options_.shift), "-semihosting-config",
                      "enable=on,target=native", "-kernel", firmware.string()},
        .folder = firmware.parent_path(),
        .input = {},
        .output = {},
        .time_limit = options_.time_limit};
    const ProcessResult result = run_or_cancel(request, stop);
    measurement.environment = {
        .cpu = fmt::format("{} of {}", board.cpu, board.name),
        .governor = {},
        .pinned_cpu = {},
        .binary_sha256 = sha256_of_file(firmware),
        .tool = fmt::format("qemu-system-arm -icount shift={}", options_.shift),
        .temperature_c = {},
        .throttled = {}};
    if (!result.succeeded()) {
      return failed(std::move(measurement), status_of(result), reason_of(request, result));
    }
    return with_counts(std::move(measurement), result.output + result.errors);
  }

  Measurement with_counts(Measurement measurement, std::string_view output) const {
    const auto ticks = printed_number(output, "ticks");
    const auto stack = printed_number(output, "stack_bytes");
    if (!ticks || !stack || *ticks == 0) {
      return failed(
          std::move(measurement), Status::kRubbish,
          fmt::format("the firmware printed no counts; the end of its output: {}", tail(output)));
    }
    const double ticks_a_second = options_.firmware.board->clock_hz;
    const double instructions_a_second = 1e9 / std::exp2(options_.shift);
    measurement.instructions =
        std::round(static_cast<double>(*ticks) * instructions_a_second / ticks_a_second);
    measurement.stack_bytes = static_cast<double>(*stack);
    if (options_.cycles_per_instruction) {
      measurement.estimated_latency_ms =
          *measurement.instructions * *options_.cycles_per_instruction / *options_.clock_hz * 1e3;
    }
    measurement.status = Status::kOk;
    return measurement;
  }

  QemuOptions options_;
};

std::optional<double> number_of(const Config& options, const char* key, double min, double max) {
  const Config* value = options.find(key);
  return value == nullptr ? std::nullopt : std::optional(value->as_double(min, max));
}

}  // namespace

std::unique_ptr<Runner> make_qemu_cortex_m(const Config& options) {
  options.require_known_keys({"runner", "board", "flash_bytes", "ram_bytes", "stack_bytes", "flags",
                              "shift", "cycles_per_instruction", "clock_hz", "time_limit_s"});
  std::vector<std::string> names;
  for (const Board& board : boards()) names.emplace_back(board.name);
  QemuOptions own;
  const Config* const board = options.find("board");
  FirmwareOptions& firmware = own.firmware;
  firmware.board = &boards()[board == nullptr ? 1 : board->as_one_of(names)];
  constexpr std::int64_t kLeastBytes = 1024;
  firmware.flash_bytes = options.int_or("flash_bytes", firmware.board->flash_bytes, kLeastBytes,
                                        firmware.board->flash_bytes);
  firmware.ram_bytes = options.int_or("ram_bytes", firmware.board->ram_bytes, kLeastBytes,
                                      firmware.board->ram_bytes);
  firmware.stack_bytes = options.int_or("stack_bytes", 4096, 512, firmware.ram_bytes) / 16 * 16;
  firmware.flags = words_or(options, "flags", {"-O2"});
  own.shift = static_cast<int>(options.int_or("shift", own.shift, 3, 10));
  own.cycles_per_instruction = number_of(options, "cycles_per_instruction", 0.1, 1000);
  own.clock_hz = number_of(options, "clock_hz", 1e3, 1e10);
  if (own.cycles_per_instruction.has_value() != own.clock_hz.has_value()) {
    options.fail("cycles_per_instruction and clock_hz belong together: give both or neither");
  }
  own.time_limit = time_limit_or(options, 120);
  firmware.time_limit = own.time_limit;
  return std::make_unique<QemuRunner>(std::move(own));
}

}  // namespace hwnas::measurement
