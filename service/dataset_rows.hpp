#pragma once

#include <cstdint>
#include <string>

#include "engine/database.hpp"
#include "service/dataset_store.hpp"
#include "service/upload_store.hpp"

namespace hwnas::service {

// Shared by the stores of uploads and of data sets; schema.hpp describes the tables.

/// Part of version 2 of the store.
inline constexpr const char* kDatasetTables = R"sql(
CREATE TABLE upload (
  number           INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant           TEXT NOT NULL,
  id               TEXT NOT NULL,
  file_name        TEXT NOT NULL,
  size_bytes       INTEGER NOT NULL,
  sha256           TEXT NOT NULL,
  committed_bytes  INTEGER NOT NULL DEFAULT 0,
  complete         INTEGER NOT NULL DEFAULT 0,
  hidden           INTEGER NOT NULL DEFAULT 0,
  create_time      INTEGER NOT NULL,
  seconds_left     INTEGER NOT NULL,
  UNIQUE (tenant, id)
);
CREATE TABLE dataset (
  number         INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant         TEXT NOT NULL,
  id             TEXT NOT NULL,
  display_name   TEXT NOT NULL,
  reader         TEXT NOT NULL,
  channels       INTEGER NOT NULL,
  height         INTEGER NOT NULL,
  width          INTEGER NOT NULL,
  classes        INTEGER NOT NULL,
  train_samples  INTEGER NOT NULL,
  test_samples   INTEGER NOT NULL,
  create_time    INTEGER NOT NULL,
  UNIQUE (tenant, id)
);
CREATE INDEX dataset_by_time ON dataset (tenant, create_time, id);
CREATE TABLE dataset_file (
  dataset  INTEGER NOT NULL,
  key      TEXT NOT NULL,
  upload   INTEGER NOT NULL,
  PRIMARY KEY (dataset, key)
) WITHOUT ROWID;
CREATE INDEX dataset_file_by_upload ON dataset_file (upload);
)sql";

/// Condition on a row of `upload`: a data set is made of it, or an unfinished compression job reads
/// it (see CompressionOrder).
inline constexpr const char* kUploadIsUsed =
    "(EXISTS (SELECT 1 FROM dataset_file WHERE dataset_file.upload = upload.number)"
    " OR EXISTS (SELECT 1 FROM job JOIN specification ON specification.uid = job.uid"
    " WHERE job.tenant = upload.tenant AND job.kind = 'compressionJobs'"
    " AND job.state IN ('QUEUED', 'RUNNING', 'CANCELLING')"
    " AND json_extract(specification.text, '$.upload') = upload.number))";

/// Throws Refusal (NotFound); what is hidden is not found by its name.
UploadRecord find_upload(engine::Database& database, const std::string& tenant,
                         const std::string& id);
UploadRecord find_upload(engine::Database& database, std::int64_t number);
/// Throws Refusal (NotFound).
DatasetRecord find_dataset(engine::Database& database, const std::string& tenant,
                           const std::string& id);

/// Forgets the uploads that are hidden and not used any more.
void forget_hidden_uploads(engine::Database& database);

}  // namespace hwnas::service
