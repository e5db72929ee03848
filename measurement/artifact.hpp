#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace hwnas::measurement {

/// An exported network, as a runner takes it.
struct Artifact {
  std::string name;          ///< A-Z a-z 0-9 _ . - and no leading dot or dash
  std::string network_hash;  ///< ir::stable_hash as 16 hexadecimal digits; empty: not known
  /// The first is the one to run; the others lie beside it. Their names are like `name`.
  std::vector<std::filesystem::path> files;

  const std::filesystem::path& main_file() const { return files.front(); }
};

/// The artifact that a file is the main one of: with "<name>.h" beside it for a "<name>.c".
/// Throws NotFound if one of the files is not there, InvalidArgument for a name with other
/// characters, which could mean something to a shell at the other end of a connection.
Artifact artifact_of(const std::filesystem::path& file, std::string network_hash = {});

/// Whether a name is like Artifact::name, and of at most 128 characters.
bool is_plain_name(std::string_view name);

/// SHA-256 over the files in their order, each with its name and size.
std::string sha256_of(const Artifact& artifact);

}  // namespace hwnas::measurement
