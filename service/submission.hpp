#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/config.hpp"
#include "engine/experiment.hpp"

namespace hwnas::service {

class DatasetStore;
class TenantDatasets;

/// The data sets that jobs may name: their tenant's own, and those that the operator has registered
/// as files <name>.yaml in a folder, each an experiment's `data` (a reader and its options) with
/// absolute file names.
class Datasets {
 public:
  Datasets() = default;
  /// Reads all that are registered; an empty path: none. `of_tenants` outlives the object. Throws
  /// NotFound if there is no such folder, InvalidArgument with file:line:column for a file that is
  /// no map with a `name`.
  explicit Datasets(const std::filesystem::path& folder, const DatasetStore* of_tenants = nullptr);

  /// Of those that are registered. Null: there is none of this name.
  const Config* find(const std::string& name) const;
  std::vector<std::string> names() const;
  /// What this tenant's jobs may name.
  TenantDatasets of(std::string tenant) const;

 private:
  std::map<std::string, Config> by_name_;
  const DatasetStore* of_tenants_ = nullptr;
};

/// The data sets that one tenant's jobs may name: its own, then those that are registered.
class TenantDatasets {
 public:
  /// Of no tenant. `registered` outlives the object.
  TenantDatasets(const Datasets& registered) : registered_(registered) {}
  TenantDatasets(const Datasets& registered, const DatasetStore& own, std::string tenant)
      : registered_(registered), own_(&own), tenant_(std::move(tenant)) {}

  /// An experiment's `data`; nothing if there is no such data set. Throws what the store does.
  std::optional<Config> find(const std::string& name) const;
  std::vector<std::string> names() const;

 private:
  const Datasets& registered_;
  const DatasetStore* own_ = nullptr;
  std::string tenant_;
};

/// What the daemon's relative file names would be relative to: no folder of anything, since they
/// are refused, or come with hwnas.
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
/// for what the client may not have: `data` names one of these data sets or none, spaces and
/// devices are given by their own keys or a device's name, never by a file; nothing is measured,
/// since runners start programs. A device's name is looked up in `devices` first, then among those
/// that come with hwnas. Throws InvalidArgument with "experiment:line:column".
Submission read_submission(const std::string& text, const TenantDatasets& datasets,
                           const DeviceProfiles& devices = {});
/// The messages of all faults for which read_submission would refuse the text, one a section of it;
/// where it reaches for what the client may not have, those alone. Empty: there is none.
std::vector<std::string> faults_of_submission(const std::string& text,
                                              const TenantDatasets& datasets,
                                              const DeviceProfiles& devices = {});

}  // namespace hwnas::service
