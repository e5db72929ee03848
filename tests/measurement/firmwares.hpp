#pragma once

#include <string>

#include "measurement/firmware.hpp"
#include "tests/measurement/artifacts.hpp"

namespace hwnas::measurement {

inline bool can_emulate() {
  return has_program("arm-none-eabi-gcc") && has_program("qemu-system-arm");
}

/// A firmware that measures a run_once() of ours, given as C.
inline Artifact firmware(const std::filesystem::path& folder, const std::string& run_once,
                         const Board& board = boards()[1]) {
  write_file_atomically(folder / "run.c",
                        "void prepare(void);\nvoid prepare(void) {}\n" + run_once);
  const FirmwareOptions options{.board = &board,
                                .flash_bytes = board.flash_bytes,
                                .ram_bytes = board.ram_bytes,
                                .stack_bytes = 1024,
                                .flags = {"-O2"}};
  const Firmware built = build_firmware(options, folder, {});
  if (built.status != Status::kOk) ADD_FAILURE() << built.reason;
  return artifact_of(built.file);
}

}  // namespace hwnas::measurement
