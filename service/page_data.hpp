#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "service/authorization.hpp"
#include "service/job_reader.hpp"
#include "service/store.hpp"

namespace hwnas::service {

/// A device of the fleet.
struct PageDevice {
  std::string tenant;  ///< whose own it is; empty: built in
  std::string name;    ///< as experiments name it
  std::string summary;
  std::vector<std::string> runtimes;
};

/// What the live page shows, as JSON, each with an etag that changes when it does. To a tenant
/// nothing of the others' exists. Thread-safe.
class PageData {
 public:
  /// `store`, in `folder`, and `jobs` outlive this object.
  PageData(const Store& store, const JobReader& jobs, std::filesystem::path folder);

  struct Answer {
    std::string etag;
    std::optional<std::string> json;  ///< absent: the caller has it, by its etag
  };
  /// Jobs (all that are not final, then the newest) and devices: {caller, version, states: {…},
  /// jobs: […], devices: […]}.
  Answer overview(const Caller& caller, const std::string& known_etag) const;
  /// One job with its trials by column, its front and some learning curves: {job, objectives,
  /// limits, trials: {total, id, state, genotype, reason, metrics: {name: {value, deviation,
  /// origin}}}, curves}. Throws NotFound, for another tenant's as well.
  Answer job(const Caller& caller, std::int64_t uid, const std::string& known_etag) const;

 private:
  struct Facts;

  std::shared_ptr<const Facts> facts_of(const JobRecord& job) const;
  nlohmann::json job_json(const JobRecord& job) const;
  nlohmann::json devices_json(const Caller& caller, const std::vector<JobRecord>& jobs) const;

  const Store& store_;
  const JobReader& jobs_;
  const std::filesystem::path folder_;
  const std::vector<PageDevice> built_in_;
  mutable std::mutex mutex_;
  mutable std::map<std::int64_t, std::shared_ptr<const Facts>> facts_;  // by uid; never change
};

}  // namespace hwnas::service
