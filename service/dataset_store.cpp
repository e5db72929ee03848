#include "service/dataset_store.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/text.hpp"
#include "service/dataset_needs.hpp"
#include "service/dataset_rows.hpp"
#include "service/job_rows.hpp"

namespace hwnas::service {
namespace {

namespace fs = std::filesystem;
using engine::Database;
using engine::Statement;
using nlohmann::json;

// Data sets are deleted at no known time.
constexpr std::chrono::seconds kAskAgain{60};
constexpr const char* kColumns =
    "number, tenant, id, display_name, reader, channels, height, width, classes, train_samples,"
    " test_samples, create_time";

DatasetRecord read_dataset(const Statement& row) {
  DatasetRecord dataset;
  dataset.number = row.integer(0);
  dataset.tenant = row.text(1);
  dataset.id = row.text(2);
  dataset.display_name = row.text(3);
  dataset.reader = row.text(4);
  dataset.facts = {.channels = static_cast<int>(row.integer(5)),
                   .height = static_cast<int>(row.integer(6)),
                   .width = static_cast<int>(row.integer(7)),
                   .classes = static_cast<int>(row.integer(8)),
                   .train_samples = row.integer(9),
                   .test_samples = row.integer(10)};
  dataset.create_time = to_time(row.integer(11));
  return dataset;
}

void add_uploads(Database& database, DatasetRecord& dataset) {
  Statement rows = database.query(
      "SELECT dataset_file.key, upload.id, upload.size_bytes FROM dataset_file"
      " JOIN upload ON upload.number = dataset_file.upload WHERE dataset_file.dataset = ?1",
      dataset.number);
  while (rows.next()) {
    dataset.uploads[rows.text(0)] =
        fmt::format("tenants/{}/uploads/{}", dataset.tenant, rows.text(1));
    dataset.size_bytes += rows.integer(2);
  }
}

std::string to_json(const DatasetRecord& dataset) {
  const DatasetFacts& facts = dataset.facts;
  return json{{"number", dataset.number},
              {"tenant", dataset.tenant},
              {"id", dataset.id},
              {"display_name", dataset.display_name},
              {"reader", dataset.reader},
              {"uploads", dataset.uploads},
              {"shape", {facts.channels, facts.height, facts.width}},
              {"classes", facts.classes},
              {"train_samples", facts.train_samples},
              {"test_samples", facts.test_samples},
              {"size_bytes", dataset.size_bytes},
              {"create_time", to_integer(dataset.create_time)}}
      .dump();
}

DatasetRecord dataset_from_json(const std::string& text) {
  const json object = json::parse(text);
  DatasetRecord dataset;
  dataset.number = object.at("number");
  dataset.tenant = object.at("tenant");
  dataset.id = object.at("id");
  dataset.display_name = object.at("display_name");
  dataset.reader = object.at("reader");
  dataset.uploads = object.at("uploads").get<std::map<std::string, std::string>>();
  dataset.facts = {.channels = object.at("shape").at(0),
                   .height = object.at("shape").at(1),
                   .width = object.at("shape").at(2),
                   .classes = object.at("classes"),
                   .train_samples = object.at("train_samples"),
                   .test_samples = object.at("test_samples")};
  dataset.size_bytes = object.at("size_bytes");
  dataset.create_time = to_time(object.at("create_time"));
  return dataset;
}

constexpr ResponseText<DatasetRecord> kText{to_json, dataset_from_json};

RecordedRequest creation(const std::string& tenant, const RequestKey& request) {
  return {tenant, request.id, "create dataset", request.fingerprint};
}

}  // namespace

std::string DatasetRecord::name() const {
  return fmt::format("tenants/{}/datasets/{}", tenant, id);
}

std::string DatasetRecord::etag() const {
  return fmt::format("\"{:x}\"", number);
}

fs::path upload_path(const fs::path& data_folder, std::int64_t number) {
  return data_folder / "uploads" / std::to_string(number);
}

DatasetRecord find_dataset(Database& database, const std::string& tenant, const std::string& id) {
  Statement row = database.query(
      fmt::format("SELECT {} FROM dataset WHERE tenant = ?1 AND id = ?2", kColumns), tenant, id);
  if (!row.next()) {
    throw Refusal(ErrorCode::kNotFound,
                  fmt::format("tenants/{}/datasets/{}: no such data set", tenant, id));
  }
  DatasetRecord dataset = read_dataset(row);
  add_uploads(database, dataset);
  return dataset;
}

DatasetRecord DatasetStore::dataset(const std::string& tenant, const std::string& id) const {
  return find_dataset(*Store::Lease(store_), tenant, id);
}

std::vector<DatasetRecord> DatasetStore::list(const std::string& tenant,
                                              const DatasetPosition& after, int limit) const {
  const Store::Lease database(store_);
  Statement rows = database->query(
      fmt::format("SELECT {} FROM dataset WHERE tenant = ?1 AND (create_time, id) < (?2, ?3)"
                  " ORDER BY create_time DESC, id DESC LIMIT ?4",
                  kColumns),
      tenant, after.create_time, after.id, limit);
  std::vector<DatasetRecord> datasets;
  while (rows.next()) {
    datasets.push_back(read_dataset(rows));
    add_uploads(*database, datasets.back());
  }
  return datasets;
}

std::optional<Config> DatasetStore::options(const std::string& tenant,
                                            const std::string& id) const {
  const Store::Lease database(store_);
  Statement dataset = database->query(
      "SELECT number, reader FROM dataset WHERE tenant = ?1 AND id = ?2", tenant, id);
  if (!dataset.next()) return std::nullopt;
  Statement rows = database->query("SELECT key, upload FROM dataset_file WHERE dataset = ?1",
                                   dataset.integer(0));
  std::map<std::string, fs::path> files;
  while (rows.next()) files[rows.text(0)] = upload_path(data_folder_, rows.integer(1));
  return with_files(Config::parse(dataset.text(1), "reader of " + id), files);
}

std::vector<std::string> DatasetStore::ids(const std::string& tenant) const {
  const Store::Lease database(store_);
  Statement rows = database->query("SELECT id FROM dataset WHERE tenant = ?1 ORDER BY id", tenant);
  std::vector<std::string> ids;
  while (rows.next()) ids.push_back(rows.text(0));
  return ids;
}

std::optional<DatasetRecord> DatasetStore::created_before(const std::string& tenant,
                                                          const RequestKey& request) const {
  const auto response = find_response(*Store::Lease(store_), creation(tenant, request));
  return response ? std::optional(dataset_from_json(*response)) : std::nullopt;
}

void DatasetStore::create(NewDataset dataset, RequestKey request, Callback<DatasetRecord> done) {
  const RecordedRequest key = creation(dataset.tenant, request);
  const std::size_t bytes = dataset.reader.size();
  store_.change<DatasetRecord>(
      key, bytes,
      [this, dataset = std::move(dataset)](Database& database) {
        return insert(database, dataset);
      },
      kText, std::move(done));
}

DatasetRecord DatasetStore::insert(Database& database, const NewDataset& dataset) {
  Statement taken = database.query("SELECT 1 FROM dataset WHERE tenant = ?1 AND id = ?2",
                                   dataset.tenant, dataset.id);
  if (taken.next()) {
    throw Refusal(ErrorCode::kAlreadyExists,
                  fmt::format("tenants/{}/datasets/{}: exists already; take another id",
                              dataset.tenant, dataset.id));
  }
  Statement count =
      database.query("SELECT count(*) FROM dataset WHERE tenant = ?1", dataset.tenant);
  count.next();
  if (count.integer(0) >= kMaxOfTenant) {
    throw QuotaExceeded(
        dataset.tenant,
        fmt::format("has {} data sets, and no more may be; delete some", count.integer(0)),
        kAskAgain);
  }
  const DatasetFacts& facts = dataset.facts;
  Statement inserted = database.query(
      "INSERT INTO dataset (tenant, id, display_name, reader, channels, height, width, classes,"
      " train_samples, test_samples, create_time)"
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) RETURNING number",
      dataset.tenant, dataset.id, dataset.display_name, dataset.reader, facts.channels,
      facts.height, facts.width, facts.classes, facts.train_samples, facts.test_samples,
      to_integer(store_.now()));
  inserted.next();
  for (const auto& [key, number] : dataset.uploads) {
    if (!find_upload(database, number).complete) {
      throw Refusal(ErrorCode::kFailedPrecondition,
                    fmt::format("uploads[{}]: not complete any more", key));
    }
    database.run("INSERT INTO dataset_file VALUES (?1, ?2, ?3)", inserted.integer(0), key, number);
  }
  return find_dataset(database, dataset.tenant, dataset.id);
}

void DatasetStore::remove(std::string tenant, std::string id, std::string etag, RequestKey request,
                          Callback<DatasetRecord> done) {
  const RecordedRequest key{tenant, request.id, "remove dataset", request.fingerprint};
  auto removed = [tenant = std::move(tenant), id = std::move(id),
                  etag = std::move(etag)](Database& database) {
    DatasetRecord dataset = find_dataset(database, tenant, id);
    if (!etag.empty() && etag != dataset.etag()) {
      throw StaleEtag(ErrorCode::kFailedPrecondition,
                      fmt::format("{}: another one by now (etag {}, now {}); read it again",
                                  dataset.name(), etag, dataset.etag()));
    }
    require_not_needed(database, tenant, id);
    // What it was made of is kept as long as an upload of which nothing was made.
    database.run(
        "UPDATE upload SET seconds_left = ?2 WHERE number IN"
        " (SELECT upload FROM dataset_file WHERE dataset = ?1)",
        dataset.number, UploadStore::kKept.count());
    database.run("DELETE FROM dataset_file WHERE dataset = ?1", dataset.number);
    database.run("DELETE FROM dataset WHERE number = ?1", dataset.number);
    forget_hidden_uploads(database);
    return dataset;
  };
  store_.change<DatasetRecord>(key, 0, std::move(removed), kText, std::move(done));
}

}  // namespace hwnas::service
