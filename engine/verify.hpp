#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace hwnas::engine {

/// That an exported file computes what a finalist of its run computes.
struct Verification {
  std::filesystem::path run;
  std::string format;
  std::size_t inputs = 0;   ///< validation samples
  std::size_t outputs = 0;  ///< values compared: integers exactly, floats to 1e-4 of the largest
  std::string sha256;
};

/// Reads the file, whose format is told by its name's end, and runs it. `run`: its folder; empty:
/// the nearest folder above the file that holds a run. `trial`: the finalist; none: the chosen one.
/// Throws NotFound if there is none of them or no format has that end, Internal if an output
/// differs, InvalidArgument if the file cannot be read.
Verification verify_artifact(const std::filesystem::path& file, const std::filesystem::path& run,
                             std::optional<std::uint64_t> trial = {});

}  // namespace hwnas::engine
