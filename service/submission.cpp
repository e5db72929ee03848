#include "service/submission.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "core/error.hpp"
#include "core/text.hpp"
#include "service/dataset_store.hpp"
#include "service/error_status.hpp"
#include "service/resource_name.hpp"

namespace hwnas::service {
namespace {

namespace fs = std::filesystem;

/// Fails at a key that the map must not have.
void refuse_key(const Config& map, const char* key, const char* instead) {
  if (map.kind() != Config::Kind::kMap) return;
  if (const Config* found = map.find(key)) {
    found->fail(fmt::format("a job of the daemon cannot name files or programs; {}", instead));
  }
}

void refuse_learned_models(const Config& device) {
  const Config* profile = device.find("profile");
  if (profile == nullptr || profile->kind() != Config::Kind::kMap) return;
  const Config* runtimes = profile->find("runtimes");
  if (runtimes == nullptr || runtimes->kind() != Config::Kind::kList) return;
  for (const Config& runtime : runtimes->items()) {
    refuse_key(runtime, "latency_model", "name a device that the daemon has");
  }
}

/// What is refused in one section each; the text is a map.
constexpr void (*kRefusals[])(const Config&) = {
    [](const Config& config) {
      refuse_key(config, "measurement", "leave it out and measure with hwnas");
    },
    [](const Config& config) {
      if (const Config* space = config.find("space")) {
        refuse_key(*space, "file", "give the space's own keys");
      }
    },
    [](const Config& config) {
      if (const Config* evaluator = config.find("evaluator")) {
        refuse_key(*evaluator, "tables", "use the evaluator 'train'");
      }
    },
    [](const Config& config) {
      const Config* device = config.find("device");
      if (device == nullptr || device->kind() != Config::Kind::kMap) return;
      refuse_key(*device, "file", "give the device's name, or its profile");
      refuse_learned_models(*device);
    }};

/// Puts the profile of a tenant's device in the place of its name. True if there is one.
bool resolve_device(Config& config, const DeviceProfiles& devices) {
  const Config* device = config.find("device");
  if (!devices || device == nullptr || device->kind() != Config::Kind::kMap) return false;
  const Config* name = device->find("name");
  if (name == nullptr || device->has("profile")) return false;
  const auto profile = devices(name->as_string());
  if (!profile) return false;
  config.set("device.name", "null");
  config.set("device.profile", *profile);
  return true;
}

/// Puts the data set's reader in the place of its name.
void resolve_data(Config& config, const TenantDatasets& datasets) {
  const Config& data = config.at("data");
  const Config& name = data.at("name");
  if (name.as_string() == "none") return;
  const std::optional<Config> dataset = datasets.find(name.as_string());
  if (!dataset) {
    const std::vector<std::string> known = datasets.names();
    name.fail(fmt::format("no data set {}{} (there are: {}; or none)", in_quotes(name.as_string()),
                          did_you_mean(name.as_string(), known), fmt::join(known, ", ")));
  }
  data.require_known_keys({"name"});
  config.set("data", dataset->to_yaml());
}

/// The faults of a text, one a section: a second one mostly follows from the first.
class FaultList {
 public:
  /// Adds the fault that `read` throws. Other errors pass.
  template <typename Read>
  void check(const Read& read) {
    try {
      read();
    } catch (const Error& fault) {
      if (fault.code() != ErrorCode::kInvalidArgument && fault.code() != ErrorCode::kNotFound) {
        throw;
      }
      add(fault.what());
    }
  }
  void add(const std::string& fault) {
    const std::string key = place_of_fault(fault, kSubmissionSource).key;
    const std::string section = key.substr(0, key.find('.'));
    if (section.empty() || sections_.insert(section).second) faults_.push_back(fault);
  }
  bool empty() const { return faults_.empty(); }
  std::vector<std::string> take() && { return std::move(faults_); }

 private:
  std::vector<std::string> faults_;
  std::set<std::string> sections_;
};

}  // namespace

Datasets::Datasets(const fs::path& folder, const DatasetStore* of_tenants)
    : of_tenants_(of_tenants) {
  if (folder.empty()) return;
  std::error_code failed;
  for (fs::directory_iterator entry(folder, failed), end; !failed && entry != end;
       entry.increment(failed)) {
    if (entry->path().extension() != ".yaml") continue;
    const std::string name = entry->path().stem().string();
    if (!is_resource_id(name)) {
      throw invalid_argument("{}: '{}' is no name of a data set", entry->path().string(), name);
    }
    Config options = Config::load(entry->path());
    options.at("name").as_string();
    by_name_.emplace(name, std::move(options));
  }
  if (failed) {
    throw error(ErrorCode::kNotFound, "{}: cannot read the folder of data sets ({})",
                folder.string(), failed.message());
  }
}

const Config* Datasets::find(const std::string& name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &found->second;
}

std::vector<std::string> Datasets::names() const {
  std::vector<std::string> names;
  for (const auto& [name, options] : by_name_) names.push_back(name);
  return names;
}

TenantDatasets Datasets::of(std::string tenant) const {
  return of_tenants_ == nullptr ? TenantDatasets(*this)
                                : TenantDatasets(*this, *of_tenants_, std::move(tenant));
}

std::optional<Config> TenantDatasets::find(const std::string& name) const {
  if (own_ != nullptr) {
    if (auto options = own_->options(tenant_, name)) return options;
  }
  const Config* const found = registered_.find(name);
  return found == nullptr ? std::nullopt : std::optional(*found);
}

std::vector<std::string> TenantDatasets::names() const {
  std::vector<std::string> names =
      own_ == nullptr ? std::vector<std::string>() : own_->ids(tenant_);
  for (const std::string& name : registered_.names()) {
    if (std::ranges::count(names, name) == 0) names.push_back(name);
  }
  return names;
}

Submission read_submission(const std::string& text, const TenantDatasets& datasets,
                           const DeviceProfiles& devices) {
  Config config = Config::parse(text, kSubmissionSource);
  if (config.kind() == Config::Kind::kMap) {
    for (const auto refuse : kRefusals) refuse(config);
  }
  std::string specification = resolve_device(config, devices) ? config.to_yaml() : text;
  resolve_data(config, datasets);
  engine::Experiment experiment = engine::Experiment::parse(config, kNoFolder);
  return {std::move(config), std::move(experiment), std::move(specification)};
}

std::vector<std::string> faults_of_submission(const std::string& text,
                                              const TenantDatasets& datasets,
                                              const DeviceProfiles& devices) {
  FaultList faults;
  faults.check([&] {
    Config config = Config::parse(text, kSubmissionSource);
    if (config.kind() == Config::Kind::kMap) {
      for (const auto refuse : kRefusals) faults.check([&] { refuse(config); });
      if (!faults.empty()) return;  // the experiment's reader would open the files
      resolve_device(config, devices);
      faults.check([&] { resolve_data(config, datasets); });
    }
    for (const std::string& fault : engine::Experiment::faults(config, kNoFolder)) {
      faults.add(fault);
    }
  });
  return std::move(faults).take();
}

}  // namespace hwnas::service
