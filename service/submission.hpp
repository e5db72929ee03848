#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "core/config.hpp"
#include "engine/experiment.hpp"

namespace hwnas::service {

/// The data sets that jobs may name: registered by the operator as files <name>.yaml in a folder,
/// each an experiment's `data` (a reader and its options) with absolute file names.
class Datasets {
 public:
  Datasets() = default;
  /// Reads all of them. Throws NotFound if there is no such folder, InvalidArgument with
  /// file:line:column for a file that is no map with a `name`.
  explicit Datasets(const std::filesystem::path& folder);

  /// Null: there is none of this name.
  const Config* find(const std::string& name) const;
  std::vector<std::string> names() const;

 private:
  std::map<std::string, Config> by_name_;
};

/// An experiment that a client has sent, checked.
struct Submission {
  /// With the data set's reader in the place of its name.
  Config config;
  engine::Experiment experiment;
};

/// The name that faults in a client's text are told with: "experiment:12:3: …".
inline constexpr const char* kSubmissionSource = "experiment";

/// Checks an experiment's text as engine::Experiment::parse does, and that nothing in it reaches
/// for what the client may not have: `data` names a registered data set or none, spaces and devices
/// are given by their own keys or a device's name, never by a file; nothing is measured, since
/// runners start programs. Throws InvalidArgument with "experiment:line:column".
Submission read_submission(const std::string& text, const Datasets& datasets);

}  // namespace hwnas::service
