#include "engine/store_schema.hpp"

#include "core/error.hpp"

namespace hwnas::engine {

const char* const kSchema = R"sql(
CREATE TABLE run (
  id          INTEGER PRIMARY KEY CHECK (id = 1),
  experiment  TEXT NOT NULL,
  folder      TEXT NOT NULL,
  version     TEXT NOT NULL,
  machine     TEXT NOT NULL,
  started     TEXT NOT NULL,
  failure     TEXT NOT NULL,
  latency_model  TEXT NOT NULL
);
CREATE TABLE stage (
  position  INTEGER PRIMARY KEY,
  name      TEXT NOT NULL UNIQUE,
  done      INTEGER NOT NULL,
  seconds   REAL NOT NULL
);
CREATE TABLE rank_check (
  position       INTEGER PRIMARY KEY,
  genotype       TEXT NOT NULL,
  parameters     INTEGER NOT NULL,
  supernet_loss  REAL NOT NULL,
  alone_top1     REAL,
  failure        TEXT NOT NULL,
  few_shot_loss  REAL
);
CREATE TABLE few_shot (
  id          INTEGER PRIMARY KEY CHECK (id = 1),
  decision    TEXT NOT NULL,
  similarity  REAL NOT NULL
);
CREATE TABLE trial (
  id             INTEGER PRIMARY KEY,
  genotype       TEXT NOT NULL,
  description    TEXT NOT NULL,
  state          TEXT,
  reason         TEXT NOT NULL DEFAULT '',
  violation      REAL NOT NULL DEFAULT 0,
  worker         INTEGER NOT NULL DEFAULT 0,
  start_seconds  REAL NOT NULL DEFAULT 0,
  end_seconds    REAL NOT NULL DEFAULT 0
);
CREATE TABLE metric (
  phase               TEXT NOT NULL,
  trial               INTEGER NOT NULL REFERENCES trial,
  name                TEXT NOT NULL,
  origin              TEXT NOT NULL,
  value               REAL NOT NULL,
  standard_deviation  REAL NOT NULL,
  per_layer           TEXT,
  PRIMARY KEY (phase, trial, name, origin)
) WITHOUT ROWID;
CREATE TABLE measurement (
  trial   INTEGER PRIMARY KEY REFERENCES trial,
  record  TEXT NOT NULL
);
CREATE TABLE epoch (
  phase            TEXT NOT NULL,
  trial            INTEGER NOT NULL REFERENCES trial,
  epoch            INTEGER NOT NULL,
  train_loss       REAL,
  validation_loss  REAL,
  validation_top1  REAL,
  PRIMARY KEY (phase, trial, epoch)
) WITHOUT ROWID;
CREATE TABLE finalist (
  trial           INTEGER PRIMARY KEY REFERENCES trial,
  rank            INTEGER NOT NULL UNIQUE,
  network         TEXT NOT NULL,
  trained         INTEGER NOT NULL DEFAULT 0,
  reason          TEXT NOT NULL DEFAULT '',
  weights_file    TEXT NOT NULL DEFAULT '',
  weights_sha256  TEXT NOT NULL DEFAULT '',
  chosen          INTEGER NOT NULL DEFAULT 0,
  test_top1       REAL
);
CREATE TABLE compression (
  id              INTEGER PRIMARY KEY CHECK (id = 1),
  file            TEXT NOT NULL,
  sha256          TEXT NOT NULL,
  float_val_top1  REAL NOT NULL,
  val_top1        REAL NOT NULL,
  test_top1       REAL
);
CREATE TABLE pass (
  position         INTEGER PRIMARY KEY,
  pass             TEXT NOT NULL,
  accepted         INTEGER NOT NULL,
  val_top1_before  REAL NOT NULL,
  val_top1_after   REAL NOT NULL,
  seconds          REAL NOT NULL,
  summary          TEXT NOT NULL
);
CREATE TABLE pass_layer (
  pass             INTEGER NOT NULL REFERENCES pass,
  position         INTEGER NOT NULL,
  layer            TEXT NOT NULL,
  format           TEXT NOT NULL,
  activation_bits  INTEGER NOT NULL,
  sensitivity      REAL NOT NULL,
  flash_bytes      REAL NOT NULL,
  latency_ms       REAL NOT NULL,
  PRIMARY KEY (pass, position)
) WITHOUT ROWID;
CREATE TABLE artifact (
  format  TEXT PRIMARY KEY,
  file    TEXT NOT NULL,
  sha256  TEXT NOT NULL,
  bytes   INTEGER NOT NULL
);
PRAGMA user_version = 7;
)sql";

void require_store_file(const std::filesystem::path& folder) {
  if (!std::filesystem::exists(folder / kStoreFile)) {
    throw error(ErrorCode::kNotFound, "{}: the folder holds no run (no {})", folder.string(),
                kStoreFile);
  }
}

void require_schema(Database& database, const std::filesystem::path& folder) {
  Statement row = database.query("PRAGMA user_version");
  row.next();
  const auto version = row.integer(0);
  if (version != kSchemaVersion) {
    throw error(ErrorCode::kFailedPrecondition,
                "{}: written with store version {}, this program reads version {}",
                (folder / kStoreFile).string(), version, kSchemaVersion);
  }
}

}  // namespace hwnas::engine
