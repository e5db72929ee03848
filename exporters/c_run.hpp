#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "core/scratch_folder.hpp"
#include "exporters/c_header.hpp"

namespace hwnas::exporters {

/// A C export compiled by the system's `cc` (C99, all warnings errors) into a temporary folder,
/// which goes with the object.
class CompiledC {
 public:
  /// Throws InvalidArgument if the file or its header is not as hwnas wrote it (nothing is compiled
  /// then) or the compiler refuses it, NotFound if there is no file or no `cc`, Cancelled after a
  /// minute.
  explicit CompiledC(const std::filesystem::path& file);

  const CInterface& interface() const { return interface_; }

  /// Outputs for any number of inputs, one after the other, both height x width x channels. Throws
  /// InvalidArgument if `inputs` is no whole number of inputs, Internal if the program fails,
  /// Cancelled after five minutes.
  std::vector<std::int8_t> run(std::span<const std::int8_t> inputs) const;

 private:
  ScratchFolder folder_;
  CInterface interface_;
};

/// ExporterInfo::run: the outputs as real numbers for one input as the model takes it, which is
/// normalised and quantized here.
std::vector<float> run_c(const std::filesystem::path& file, const std::vector<float>& input);

/// From channels x height x width to height x width x channels, and back.
std::vector<std::int8_t> to_channels_last(std::span<const std::int32_t> values,
                                          const ir::Shape& shape);
std::vector<std::int32_t> to_channels_first(std::span<const std::int8_t> values,
                                            const ir::Shape& shape);

}  // namespace hwnas::exporters
