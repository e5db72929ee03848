#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "measurement/measurement.hpp"

namespace hwnas::measurement {

/// A board that qemu-system-arm emulates; addresses and clocks as in QEMU 7.2 (hw/arm/mps2.c and
/// mps2-tz.c). Their memories are far larger than those of real parts.
struct Board {
  std::string_view name;  ///< of the machine
  std::string_view cpu;   ///< as GCC's -mcpu
  std::uint32_t flash_origin;
  std::int64_t flash_bytes;
  std::uint32_t ram_origin;
  std::int64_t ram_bytes;
  double clock_hz;  ///< of the core and its SysTick timer
};
/// mps2-an385 (Cortex-M3), mps2-an386 (M4), mps2-an500 (M7), mps2-an505 (M33), mps3-an547 (M55).
std::span<const Board> boards();

/// What a firmware may take; the linker refuses more.
struct FirmwareOptions {
  const Board* board = nullptr;
  std::int64_t flash_bytes = 0;
  std::int64_t ram_bytes = 0;    ///< with the stack
  std::int64_t stack_bytes = 0;  ///< reserved; a firmware that used all of it fails
  std::vector<std::string> flags;
  std::chrono::milliseconds time_limit{60'000};
};

/// A firmware, or why there is none.
struct Firmware {
  std::filesystem::path file;    ///< ELF
  std::int64_t flash_bytes = 0;  ///< code, constants and initial values
  std::int64_t ram_bytes = 0;    ///< static data, without the stack
  Status status = Status::kOk;
  std::string reason;
  std::string tool;  ///< compiler and flags
};

/// Builds all C files of `folder`, which define `void prepare(void)` and `int run_once(void)` (0
/// when all went well), with start-up and measuring code of ours, by arm-none-eabi-gcc. The
/// firmware calls each of them twice, and prints by semihosting "ticks 0x…", SysTick's for the
/// second run_once, and "stack_bytes 0x…", the most that was in use. Throws Cancelled if it was
/// stopped.
Firmware build_firmware(const FirmwareOptions& options, const std::filesystem::path& folder,
                        const std::stop_token& stop);

}  // namespace hwnas::measurement
