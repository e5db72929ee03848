#pragma once

#include <chrono>
#include <cstdint>
#include <set>
#include <string>
#include <variant>

#include "service/outcome.hpp"
#include "service/quota.hpp"
#include "service/requests.hpp"
#include "service/store.hpp"

namespace hwnas::service {

struct NewUpload {
  std::string tenant;
  std::string id;
  std::string file_name;
  std::int64_t size_bytes = 0;
  std::string sha256;
};

/// A file that a tenant has announced, as the store knows it.
struct UploadRecord {
  std::int64_t number = 0;  ///< the name of its file; never given again
  std::string tenant;
  std::string id;
  std::string file_name;
  std::int64_t size_bytes = 0;  ///< announced, as is sha256
  std::string sha256;
  std::int64_t committed_bytes = 0;  ///< on the disk
  bool complete = false;             ///< all are there, and sha256 is theirs
  bool used = false;                 ///< a data set or an unfinished job needs it
  Time create_time;
  std::chrono::seconds time_left{0};  ///< until it is forgotten, unless it is used

  std::string name() const;  ///< "tenants/acme/uploads/a"
};

/// What the daemon knows of uploads; the bytes are files of their own (see UploadFile).
/// Thread-safe; errors beside those that each call names: see Store.
///
/// An upload that is deleted while a data set is made of it is hidden, and forgotten with the data
/// set. The file of what is forgotten is the caller's to remove (see numbers).
class UploadStore {
 public:
  /// How long an upload is kept after its last bytes came, unless it is used. Counted by age(), so
  /// that a clock that jumps forgets nothing.
  static constexpr std::chrono::seconds kKept = std::chrono::hours(7 * 24);
  static constexpr std::int64_t kMaxOfTenant = 10'000;

  /// `store` outlives it.
  explicit UploadStore(Store& store) : store_(store) {}

  /// Throws NotFound.
  UploadRecord upload(const std::string& tenant, const std::string& id) const;
  UploadRecord upload(std::int64_t number) const;
  /// Of all uploads that are not forgotten.
  std::set<std::int64_t> numbers() const;

  /// QuotaExceeded: the tenant's announced bytes and those of its jobs would be more than it may
  /// have, or it has kMaxOfTenant uploads.
  void create(NewUpload upload, const TenantQuota& quota, RequestKey request,
              Callback<UploadRecord> done);
  /// So many bytes are on the disk. NotFound.
  void commit(std::int64_t number, std::int64_t committed_bytes, Callback<UploadRecord> done);
  /// All bytes are there and right. NotFound.
  void complete(std::int64_t number, Callback<UploadRecord> done);
  /// NotFound.
  void remove(std::string tenant, std::string id, RequestKey request, Callback<UploadRecord> done);
  /// So much time has gone by: forgets what nobody has needed for kKept.
  void age(std::chrono::seconds elapsed, Callback<std::monostate> done);

 private:
  UploadRecord insert(engine::Database& database, const NewUpload& upload,
                      const TenantQuota& quota);
  UploadRecord hide(engine::Database& database, const std::string& tenant, const std::string& id);

  Store& store_;
};

}  // namespace hwnas::service
