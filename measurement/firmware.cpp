#include "measurement/firmware.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/text.hpp"
#include "exporters/c_text.hpp"
#include "measurement/firmware_sources.hpp"
#include "measurement/runner_tools.hpp"

namespace hwnas::measurement {

namespace {

constexpr std::int64_t kMiB = std::int64_t{1} << 20;

constexpr std::array kBoards = {
    Board{"mps2-an385", "cortex-m3", 0x00000000, 4 * kMiB, 0x20000000, 4 * kMiB, 25e6},
    Board{"mps2-an386", "cortex-m4", 0x00000000, 4 * kMiB, 0x20000000, 4 * kMiB, 25e6},
    Board{"mps2-an500", "cortex-m7", 0x00000000, 4 * kMiB, 0x20000000, 4 * kMiB, 25e6},
    Board{"mps2-an505", "cortex-m33", 0x10000000, 4 * kMiB, 0x38000000, 4 * kMiB, 20e6},
    Board{"mps3-an547", "cortex-m55", 0x00000000, kMiB / 2, 0x20000000, kMiB / 2, 32e6},
};

std::string linker_script(const FirmwareOptions& options) {
  return exporters::fill(kLinkerScript,
                         {{"flash_origin", fmt::format("{:#x}", options.board->flash_origin)},
                          {"flash_bytes", fmt::format("{}", options.flash_bytes)},
                          {"ram_origin", fmt::format("{:#x}", options.board->ram_origin)},
                          {"ram_bytes", fmt::format("{}", options.ram_bytes)},
                          {"stack_bytes", fmt::format("{}", options.stack_bytes)}});
}

std::vector<std::string> c_files(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".c") names.push_back(entry.path().filename().string());
  }
  // The order of the files is that of the code in memory.
  std::ranges::sort(names);
  return names;
}

/// What the linker says, shortened to what people need: "region `RAM' overflowed by 64 bytes".
std::string refusal_in(std::string_view messages) {
  const std::size_t overflow = messages.find("overflowed by");
  if (overflow == std::string_view::npos) return tail(messages);
  const std::size_t begin = messages.rfind("region `", overflow);
  return one_line(messages.substr(begin, messages.find('\n', overflow) - begin));
}

/// text, data and bss as `size` prints them, in its second line.
std::array<std::int64_t, 3> section_sizes(std::string_view printed) {
  std::array<std::int64_t, 3> sizes{};
  const char* position = printed.data() + std::min(printed.find('\n'), printed.size());
  const char* const end = printed.data() + printed.size();
  for (std::int64_t& size : sizes) {
    position = std::find_if(position, end, [](char c) { return c >= '0' && c <= '9'; });
    position = std::from_chars(position, end, size).ptr;
  }
  return sizes;
}

}  // namespace

std::span<const Board> boards() {
  return kBoards;
}

Firmware build_firmware(const FirmwareOptions& options, const std::filesystem::path& folder,
                        const std::stop_token& stop) {
  Firmware firmware;
  firmware.file = folder / "firmware.elf";
  write_file_atomically(folder / "hwnas_measuring.c", kMeasuringSource);
  write_file_atomically(folder / "machine.ld", linker_script(options));

  ProcessRequest request{
      .arguments = {"arm-none-eabi-gcc", fmt::format("-mcpu={}", options.board->cpu), "-mthumb",
                    "-std=gnu99", "-nostartfiles", "-T", "machine.ld"},
      .folder = folder,
      .input = {},
      .output = {},
      .time_limit = options.time_limit};
  std::vector<std::string>& arguments = request.arguments;
  arguments.insert(arguments.end(), options.flags.begin(), options.flags.end());
  firmware.tool = fmt::format("{}", fmt::join(arguments, " "));
  for (const std::string& file : c_files(folder)) arguments.push_back(file);
  arguments.insert(arguments.end(), {"-o", "firmware.elf"});
  const ProcessResult linked = run_or_cancel(request, stop);
  if (!linked.succeeded()) {
    const bool refused = linked.end == ProcessEnd::kExited;
    firmware.status = refused ? Status::kRefused : status_of(linked);
    firmware.reason = refused ? refusal_in(linked.errors) : reason_of(request, linked);
    return firmware;
  }

  request.arguments = {"arm-none-eabi-size", "firmware.elf"};
  const ProcessResult printed = run_or_cancel(request, stop);
  if (!printed.succeeded()) {
    firmware.status = status_of(printed);
    firmware.reason = reason_of(request, printed);
    return firmware;
  }
  const auto [text, data, bss] = section_sizes(printed.output);
  firmware.flash_bytes = text + data;
  firmware.ram_bytes = data + bss - options.stack_bytes;
  return firmware;
}

}  // namespace hwnas::measurement
