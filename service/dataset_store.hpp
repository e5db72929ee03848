#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/config.hpp"
#include "service/outcome.hpp"
#include "service/requests.hpp"
#include "service/store.hpp"

namespace hwnas::service {

/// What a data set was found to hold when it was read.
struct DatasetFacts {
  int channels = 0;
  int height = 0;
  int width = 0;
  int classes = 0;
  std::int64_t train_samples = 0;
  std::int64_t test_samples = 0;
};

/// A data set that a tenant has made of uploads. It never changes.
struct DatasetRecord {
  std::int64_t number = 0;  ///< never given again
  std::string tenant;
  std::string id;
  std::string display_name;
  std::string reader;  ///< YAML, as an experiment's `data`; options that name files name keys
  std::map<std::string, std::string> uploads;  ///< their names by key
  DatasetFacts facts;
  std::int64_t size_bytes = 0;  ///< of the uploads
  Time create_time;

  std::string name() const;  ///< "tenants/acme/datasets/a"
  std::string etag() const;  ///< differs for any two data sets of a store
};

struct NewDataset {
  std::string tenant;
  std::string id;
  std::string display_name;
  std::string reader;
  std::map<std::string, std::int64_t> uploads;  ///< their numbers by key
  DatasetFacts facts;
};

/// Where a listing goes on: behind this data set.
struct DatasetPosition {
  std::int64_t create_time = INT64_MAX;  ///< microseconds since 1970
  std::string id;
};

/// The file of an upload.
std::filesystem::path upload_path(const std::filesystem::path& data_folder, std::int64_t number);

/// Puts file names in the place of keys, in all options of a reader that name files. Throws
/// InvalidArgument at an option that names no key, for a key that no option names, and for a reader
/// that is not known.
Config with_files(const Config& reader, const std::map<std::string, std::filesystem::path>& files);

/// The data sets of tenants. Thread-safe; errors beside those that each call names: see Store.
class DatasetStore {
 public:
  static constexpr std::int64_t kMaxOfTenant = 1000;

  /// `store` outlives it. `data_folder`: of the daemon.
  DatasetStore(Store& store, std::filesystem::path data_folder)
      : store_(store), data_folder_(std::move(data_folder)) {}

  /// Throws NotFound.
  DatasetRecord dataset(const std::string& tenant, const std::string& id) const;
  /// The newest first, at most `limit`.
  std::vector<DatasetRecord> list(const std::string& tenant, const DatasetPosition& after,
                                  int limit) const;
  /// An experiment's `data`; nothing if there is no such data set.
  std::optional<Config> options(const std::string& tenant, const std::string& id) const;
  std::vector<std::string> ids(const std::string& tenant) const;
  /// What a call of create() with this id was answered, if it has been made: its uploads may be
  /// gone by now. Throws as find_response.
  std::optional<DatasetRecord> created_before(const std::string& tenant,
                                              const RequestKey& request) const;

  /// AlreadyExists; QuotaExceeded over kMaxOfTenant; FailedPrecondition if an upload is not
  /// complete any more.
  void create(NewDataset dataset, RequestKey request, Callback<DatasetRecord> done);
  /// NotFound; StaleEtag; FailedPrecondition if a job that is not finished needs it.
  void remove(std::string tenant, std::string id, std::string etag, RequestKey request,
              Callback<DatasetRecord> done);

 private:
  DatasetRecord insert(engine::Database& database, const NewDataset& dataset);

  Store& store_;
  const std::filesystem::path data_folder_;
};

}  // namespace hwnas::service
