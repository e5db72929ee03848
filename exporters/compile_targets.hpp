#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "exporters/exporter.hpp"

namespace hwnas::exporters {

/// A compiler that takes exported files.
struct CompileTarget {
  std::string_view name;
  std::string_view summary;
  /// Registry names of exporters, comma-separated, the preferred one first.
  std::string_view formats;
  /// A shell command, run in the manifest's folder. {file} stands for the artifact, {stem} for its
  /// name up to the first '.', {shape} for "1, channels, height, width".
  std::string_view command;
  std::string_view source;  ///< the compiler's documentation of the command
  bool integers_only = false;
  bool takes_narrow_weights = false;  ///< weights of fewer than 8 bits
};
/// All of them, in the order of their names.
std::span<const CompileTarget> compile_targets();

/// The file for a target and the command with its name, or why there is none: then `format` and
/// `command` are empty and `reason` says which format to export.
struct CompileStep {
  std::string format;
  std::string file;
  std::string command;
  std::string reason;
};
/// Picks the first of the target's formats among the artifacts that fits the model.
CompileStep compile_step(const CompileTarget& target, const Model& model,
                         std::span<const Artifact> artifacts);

/// Whether an artifact of the format holds the model's integers.
bool holds_integers(const Model& model, std::string_view format);

}  // namespace hwnas::exporters
