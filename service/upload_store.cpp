#include "service/upload_store.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "service/dataset_rows.hpp"
#include "service/job_rows.hpp"
#include "service/usage.hpp"

namespace hwnas::service {
namespace {

using engine::Database;
using engine::Statement;
using nlohmann::json;

// An upload makes room when it is deleted or forgotten, at no known time.
constexpr std::chrono::seconds kAskAgain{60};

UploadRecord read_upload(const Statement& row) {
  UploadRecord upload;
  upload.number = row.integer(0);
  upload.tenant = row.text(1);
  upload.id = row.text(2);
  upload.file_name = row.text(3);
  upload.size_bytes = row.integer(4);
  upload.sha256 = row.text(5);
  upload.committed_bytes = row.integer(6);
  upload.complete = row.integer(7) != 0;
  upload.create_time = to_time(row.integer(8));
  upload.time_left = std::chrono::seconds(row.integer(9));
  upload.used = row.integer(10) != 0;
  return upload;
}

std::string select(const std::string& condition) {
  return fmt::format(
      "SELECT number, tenant, id, file_name, size_bytes, sha256, committed_bytes, complete,"
      " create_time, seconds_left, {} FROM upload WHERE {}",
      kUploadIsUsed, condition);
}

std::string to_json(const UploadRecord& upload) {
  return json{{"number", upload.number},
              {"tenant", upload.tenant},
              {"id", upload.id},
              {"file_name", upload.file_name},
              {"size_bytes", upload.size_bytes},
              {"sha256", upload.sha256},
              {"committed_bytes", upload.committed_bytes},
              {"complete", upload.complete},
              {"used", upload.used},
              {"create_time", to_integer(upload.create_time)},
              {"seconds_left", upload.time_left.count()}}
      .dump();
}

UploadRecord upload_from_json(const std::string& text) {
  const json object = json::parse(text);
  UploadRecord upload;
  upload.number = object.at("number");
  upload.tenant = object.at("tenant");
  upload.id = object.at("id");
  upload.file_name = object.at("file_name");
  upload.size_bytes = object.at("size_bytes");
  upload.sha256 = object.at("sha256");
  upload.committed_bytes = object.at("committed_bytes");
  upload.complete = object.at("complete");
  upload.used = object.at("used");
  upload.create_time = to_time(object.at("create_time"));
  upload.time_left = std::chrono::seconds(object.at("seconds_left").get<std::int64_t>());
  return upload;
}

constexpr ResponseText<UploadRecord> kText{to_json, upload_from_json};

void require_room(Database& database, const NewUpload& upload, const TenantQuota& quota) {
  Statement row = database.query("SELECT count(*) FROM upload WHERE tenant = ?1", upload.tenant);
  row.next();
  if (row.integer(0) >= UploadStore::kMaxOfTenant) {
    throw QuotaExceeded(
        upload.tenant,
        fmt::format("has {} uploads, and no more may be; delete some", row.integer(0)), kAskAgain);
  }
  const std::int64_t used = bytes_of_tenant(database, upload.tenant);
  // Subtraction, since the sum of what clients announce could overflow.
  if (quota.bytes == 0 || upload.size_bytes <= quota.bytes - used) return;
  throw QuotaExceeded(
      upload.tenant,
      fmt::format("{} bytes more than the {} of its uploads and jobs would be over the {} that it "
                  "may have; delete what is not needed any more",
                  upload.size_bytes, used, quota.bytes),
      kAskAgain);
}

}  // namespace

std::string UploadRecord::name() const {
  return fmt::format("tenants/{}/uploads/{}", tenant, id);
}

UploadRecord find_upload(Database& database, const std::string& tenant, const std::string& id) {
  Statement row = database.query(select("tenant = ?1 AND id = ?2 AND NOT hidden"), tenant, id);
  if (!row.next()) {
    throw Refusal(ErrorCode::kNotFound,
                  fmt::format("tenants/{}/uploads/{}: no such upload", tenant, id));
  }
  return read_upload(row);
}

UploadRecord find_upload(Database& database, std::int64_t number) {
  Statement row = database.query(select("number = ?1"), number);
  if (!row.next()) {
    throw Refusal(ErrorCode::kNotFound, fmt::format("upload {}: deleted, or never there", number));
  }
  return read_upload(row);
}

void forget_hidden_uploads(Database& database) {
  database.run(fmt::format("DELETE FROM upload WHERE hidden AND NOT {}", kUploadIsUsed));
}

UploadRecord UploadStore::upload(const std::string& tenant, const std::string& id) const {
  return find_upload(*Store::Lease(store_), tenant, id);
}

UploadRecord UploadStore::upload(std::int64_t number) const {
  return find_upload(*Store::Lease(store_), number);
}

std::set<std::int64_t> UploadStore::numbers() const {
  const Store::Lease database(store_);
  Statement rows = database->query("SELECT number FROM upload");
  std::set<std::int64_t> numbers;
  while (rows.next()) numbers.insert(rows.integer(0));
  return numbers;
}

void UploadStore::create(NewUpload upload, const TenantQuota& quota, RequestKey request,
                         Callback<UploadRecord> done) {
  const RecordedRequest key{upload.tenant, request.id, "create upload", request.fingerprint};
  store_.change<UploadRecord>(
      key, upload.file_name.size(),
      [this, upload = std::move(upload), quota](Database& database) {
        return insert(database, upload, quota);
      },
      kText, std::move(done));
}

void UploadStore::commit(std::int64_t number, std::int64_t committed_bytes,
                         Callback<UploadRecord> done) {
  store_.change<UploadRecord>(
      {}, 0,
      [number, committed_bytes](Database& database) {
        Statement updated = database.query(
            "UPDATE upload SET committed_bytes = ?2, seconds_left = ?3"
            " WHERE number = ?1 AND NOT hidden AND NOT complete RETURNING number",
            number, committed_bytes, kKept.count());
        if (!updated.next()) {
          throw Refusal(ErrorCode::kNotFound, "the upload has been deleted while it was written");
        }
        return find_upload(database, number);
      },
      kText, std::move(done));
}

void UploadStore::complete(std::int64_t number, Callback<UploadRecord> done) {
  store_.change<UploadRecord>(
      {}, 0,
      [number](Database& database) {
        database.run("UPDATE upload SET complete = 1 WHERE number = ?1", number);
        return find_upload(database, number);
      },
      kText, std::move(done));
}

void UploadStore::remove(std::string tenant, std::string id, RequestKey request,
                         Callback<UploadRecord> done) {
  const RecordedRequest key{tenant, request.id, "remove upload", request.fingerprint};
  store_.change<UploadRecord>(
      key, 0,
      [this, tenant = std::move(tenant), id = std::move(id)](Database& database) {
        return hide(database, tenant, id);
      },
      kText, std::move(done));
}

void UploadStore::age(std::chrono::seconds elapsed, Callback<std::monostate> done) {
  store_.change<std::monostate>(
      {}, 0,
      [elapsed](Database& database) {
        database.run(fmt::format("UPDATE upload SET seconds_left = CASE WHEN {} THEN ?2"
                                 " ELSE seconds_left - ?1 END",
                                 kUploadIsUsed),
                     elapsed.count(), kKept.count());
        database.run("DELETE FROM upload WHERE seconds_left <= 0");
        forget_hidden_uploads(database);
        return std::monostate();
      },
      {}, std::move(done));
}

UploadRecord UploadStore::insert(Database& database, const NewUpload& upload,
                                 const TenantQuota& quota) {
  require_room(database, upload, quota);
  Statement inserted = database.query(
      "INSERT INTO upload (tenant, id, file_name, size_bytes, sha256, create_time, seconds_left)"
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) RETURNING number",
      upload.tenant, upload.id, upload.file_name, upload.size_bytes, upload.sha256,
      to_integer(store_.now()), kKept.count());
  inserted.next();
  return find_upload(database, inserted.integer(0));
}

UploadRecord UploadStore::hide(Database& database, const std::string& tenant,
                               const std::string& id) {
  UploadRecord upload = find_upload(database, tenant, id);
  database.run("UPDATE upload SET hidden = 1 WHERE number = ?1", upload.number);
  forget_hidden_uploads(database);
  return upload;
}

}  // namespace hwnas::service
