#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
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

/// What the daemon's relative file names would be relative to: no folder of anything, since they are
/// refused, or come with hwnas.
inline const std::filesystem::path kNoFolder = "/nonexistent/hwnasd";

/// The profile of the device that a tenant has by this name; nothing if it has none.
using DeviceProfiles = std::function<std::optional<std::string>(const std::string& name)>;

/// An experiment that a client has sent, checked.
struct Submission {
  /// With the data set's reader in the place of its name.
  Config config;
  engine::Experiment experiment;
  /// As sent, but with the profile of the tenant's device beside its name's place: what it means
  /// does not change when the device does.
  std::string specification;
};

/// The name that faults in a client's text are told with: "experiment:12:3: …".
inline constexpr const char* kSubmissionSource = "experiment";

/// Checks an experiment's text as engine::Experiment::parse does, and that nothing in it reaches
/// for what the client may not have: `data` names a registered data set or none, spaces and devices
/// are given by their own keys or a device's name, never by a file; nothing is measured, since
/// runners start programs. A device's name is looked up in `devices` first, then among those that
/// come with hwnas. Throws InvalidArgument with "experiment:line:column".
Submission read_submission(const std::string& text, const Datasets& datasets,
                           const DeviceProfiles& devices = {});

}  // namespace hwnas::service
