#pragma once

#include <filesystem>
#include <string>

#include "measurement/artifact.hpp"

namespace hwnas::measurement {

/// A C export as hwnas wrote it.
struct CExport {
  std::string model;  ///< name of the model and, with ".h", of the header
  std::string source;
  std::string header;

  /// As "model.c" and the header in a folder.
  void write_to(const std::filesystem::path& folder) const;
};

/// Throws InvalidArgument if source or header were changed since they were written: what is not
/// ours is not compiled. NotFound if one is not there.
CExport read_c_export(const Artifact& artifact);

}  // namespace hwnas::measurement
