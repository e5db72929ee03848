#include "engine/store.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cassert>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "engine/store_schema.hpp"

namespace hwnas::engine {
namespace {

namespace fs = std::filesystem;

void insert_metrics(Database& database, std::string_view phase, std::uint64_t trial,
                    const std::vector<report::MetricValue>& metrics) {
  for (const report::MetricValue& metric : metrics) {
    database.run(
        "INSERT INTO metric (phase, trial, name, origin, value, standard_deviation)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        phase, trial, metric.name, estimators::to_string(metric.origin), metric.value,
        metric.standard_deviation);
  }
}

void insert_epoch(Database& database, std::string_view phase, std::uint64_t trial,
                  const report::CurvePoint& point) {
  database.run("INSERT INTO epoch VALUES (?1, ?2, ?3, ?4, ?5, ?6)", phase, trial, point.epoch,
               point.train_loss, point.validation_loss, point.validation_top1);
}

void insert_proposal(Database& database, const TrialRecord& trial) {
  database.run("INSERT INTO trial (id, genotype, description) VALUES (?1, ?2, ?3)", trial.id,
               spaces::to_string(trial.genotype), trial.description);
  insert_metrics(database, kSearchPhase, trial.id, trial.metrics);
}

void update_outcome(Database& database, const TrialRecord& trial) {
  assert(trial.state);
  database.run(
      "UPDATE trial SET state = ?2, reason = ?3, violation = ?4, worker = ?5, start_seconds = ?6,"
      " end_seconds = ?7 WHERE id = ?1",
      trial.id, search::to_string(*trial.state), trial.reason, trial.violation, trial.worker,
      trial.start_seconds, trial.end_seconds);
}

void make_folder(const fs::path& folder) {
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed) {
    throw error(ErrorCode::kUnavailable, "{}: cannot make the folder ({})", folder.string(),
                failed.message());
  }
}

/// Makes a rename in the folder last.
void sync_folder(const fs::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

/// Closing the database leaves a single file, already set to write-ahead logging: no rollback
/// journal, which readers could not play back, ever exists beside run.db.
void write_new_store(const fs::path& file, const RunRecord& run) {
  Database database(file, Database::Access::kReadWrite);
  Transaction transaction(database);
  database.execute(kSchema);
  database.run("INSERT INTO run VALUES (1, ?1, ?2, ?3, ?4, ?5, '', ?6)", run.experiment, run.folder,
               run.version, run.machine, run.started, run.latency_model);
  for (const Stage stage : kStages) {
    if (stage == Stage::kSupernet && !run.has_supernet) continue;
    if (stage == Stage::kDifferentiable && !run.has_differentiable) continue;
    database.run("INSERT INTO stage VALUES (?1, ?2, 0, 0)", static_cast<int>(stage),
                 to_string(stage));
  }
  transaction.commit();
}

}  // namespace

Store Store::create(const fs::path& folder, const RunRecord& run) {
  make_folder(folder);
  RunLock lock(folder);
  if (holds_run(folder)) throw run_exists(folder);
  const fs::path unfinished = folder / "run.db.partial";
  for (const char* suffix : {"", "-journal", "-wal", "-shm"}) {
    fs::remove(unfinished.string() + suffix);
  }
  write_new_store(unfinished, run);
  fs::rename(unfinished, folder / kStoreFile);
  sync_folder(folder);
  return Store(std::move(lock), Database(folder / kStoreFile, Database::Access::kReadWrite));
}

Store Store::open(const fs::path& folder) {
  require_store_file(folder);
  RunLock lock(folder);
  Database database(folder / kStoreFile, Database::Access::kReadWrite);
  require_schema(database, folder);
  Statement checked = database.query("PRAGMA quick_check(1)");
  if (!checked.next() || checked.text(0) != "ok") {
    throw error(ErrorCode::kFailedPrecondition,
                "{}: the file is damaged ({}); restore it from a copy or start a new run",
                (folder / kStoreFile).string(), checked.text(0));
  }
  database.execute(
      "DELETE FROM epoch WHERE phase = 'search' AND trial IN"
      " (SELECT id FROM trial WHERE state IS NULL)");
  return Store(std::move(lock), std::move(database));
}

void Store::set_stage(const StageRecord& stage) {
  database_.run("UPDATE stage SET done = ?2, seconds = ?3 WHERE position = ?1",
                static_cast<int>(stage.stage), stage.done, stage.seconds);
}

void Store::set_failure(const std::string& reason) {
  database_.run("UPDATE run SET failure = ?1", reason);
}

void Store::add_rank_check(const std::vector<RankCheckRecord>& networks) {
  Transaction transaction(database_);
  for (std::size_t i = 0; i < networks.size(); ++i) {
    database_.run("INSERT INTO rank_check VALUES (?1, ?2, ?3, ?4, NULL, '', NULL)", i,
                  spaces::to_string(networks[i].genotype), networks[i].parameters,
                  networks[i].supernet_loss);
  }
  transaction.commit();
}

void Store::finish_rank_check(std::size_t position, double alone_top1) {
  database_.run("UPDATE rank_check SET alone_top1 = ?2 WHERE position = ?1", position, alone_top1);
}

void Store::fail_rank_check(std::size_t position, const std::string& failure) {
  database_.run("UPDATE rank_check SET failure = ?2 WHERE position = ?1", position, failure);
}

void Store::set_few_shot(const FewShotRecord& few_shot) {
  database_.run("INSERT INTO few_shot VALUES (1, ?1, ?2)", few_shot.decision, few_shot.similarity);
}

void Store::set_few_shot_losses(const std::vector<double>& losses) {
  Transaction transaction(database_);
  for (std::size_t i = 0; i < losses.size(); ++i) {
    database_.run("UPDATE rank_check SET few_shot_loss = ?2 WHERE position = ?1", i, losses[i]);
  }
  transaction.commit();
}

void Store::write(const SearchBatch& batch, double stage_seconds) {
  Transaction transaction(database_);
  for (const TrialRecord& trial : batch.proposed) {
    insert_proposal(database_, trial);
    if (trial.state) update_outcome(database_, trial);
  }
  for (const SearchBatch::Epoch& epoch : batch.epochs) {
    insert_epoch(database_, kSearchPhase, epoch.trial, epoch.point);
  }
  for (const TrialRecord& trial : batch.finished) {
    update_outcome(database_, trial);
    insert_metrics(database_, kSearchPhase, trial.id, trial.metrics);
  }
  database_.run("UPDATE stage SET seconds = ?2 WHERE position = ?1",
                static_cast<int>(Stage::kSearch), stage_seconds);
  transaction.commit();
}

void Store::add_measurement(std::uint64_t trial, const measurement::Measurement& measurement,
                            const std::vector<report::MetricValue>& metrics) {
  Transaction transaction(database_);
  database_.run("INSERT INTO measurement VALUES (?1, ?2)", trial,
                measurement::to_json(measurement).dump());
  insert_metrics(database_, kSearchPhase, trial, metrics);
  transaction.commit();
}

void Store::add_finalists(const std::vector<FinalistRecord>& finalists) {
  Transaction transaction(database_);
  for (const FinalistRecord& finalist : finalists) {
    database_.run("INSERT INTO finalist (trial, rank, network) VALUES (?1, ?2, ?3)", finalist.trial,
                  finalist.rank, finalist.network);
    insert_metrics(database_, kFinalistPhase, finalist.trial, finalist.metrics);
    for (const auto& [metric, values] : finalist.per_layer) {
      database_.run(
          "UPDATE metric SET per_layer = ?4 WHERE phase = ?1 AND trial = ?2 AND name = ?3",
          kFinalistPhase, finalist.trial, metric, nlohmann::json(values).dump());
    }
  }
  transaction.commit();
}

void Store::finish_finalist(const FinalistRecord& finalist) {
  Transaction transaction(database_);
  database_.run(
      "UPDATE finalist SET trained = ?2, reason = ?3, weights_file = ?4, weights_sha256 = ?5"
      " WHERE trial = ?1",
      finalist.trial, finalist.trained, finalist.reason, finalist.weights_file,
      finalist.weights_sha256);
  insert_metrics(database_, kFinalistPhase, finalist.trial, finalist.metrics);
  for (const report::CurvePoint& point : finalist.curve) {
    insert_epoch(database_, kFinalistPhase, finalist.trial, point);
  }
  transaction.commit();
}

void Store::add_finalist_metrics(std::uint64_t trial,
                                 const std::vector<report::MetricValue>& metrics) {
  Transaction transaction(database_);
  insert_metrics(database_, kFinalistPhase, trial, metrics);
  transaction.commit();
}

void Store::choose_finalist(std::uint64_t trial) {
  database_.run("UPDATE finalist SET chosen = (trial = ?1)", trial);
}

void Store::set_compression(const CompressionRecord& compression) {
  const report::CompressionSummary& summary = compression.summary;
  Transaction transaction(database_);
  database_.run(
      "INSERT INTO compression (id, file, sha256, float_val_top1, val_top1)"
      " VALUES (1, ?1, ?2, ?3, ?4)",
      compression.file, compression.sha256, summary.float_val_top1, summary.val_top1);
  for (std::size_t i = 0; i < summary.passes.size(); ++i) {
    const report::PassSummary& pass = summary.passes[i];
    database_.run("INSERT INTO pass VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)", i, pass.pass,
                  pass.accepted, pass.val_top1_before, pass.val_top1_after, pass.seconds,
                  pass.summary);
    for (std::size_t k = 0; k < pass.layers.size(); ++k) {
      const report::PassLayer& layer = pass.layers[k];
      database_.run("INSERT INTO pass_layer VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)", i, k,
                    layer.layer, layer.format, layer.activation_bits, layer.sensitivity,
                    layer.flash_bytes, layer.latency_ms);
    }
  }
  transaction.commit();
}

void Store::set_compressed_test_top1(double top1) {
  database_.run("UPDATE compression SET test_top1 = ?1 WHERE test_top1 IS NULL", top1);
}

void Store::set_artifacts(const std::vector<report::ArtifactSummary>& artifacts) {
  Transaction transaction(database_);
  database_.execute("DELETE FROM artifact");
  for (const report::ArtifactSummary& artifact : artifacts) {
    database_.run("INSERT INTO artifact VALUES (?1, ?2, ?3, ?4)", artifact.format, artifact.file,
                  artifact.sha256, artifact.bytes);
  }
  transaction.commit();
}

void Store::set_test_top1(std::uint64_t trial, double top1) {
  database_.run("UPDATE finalist SET test_top1 = ?2 WHERE trial = ?1 AND test_top1 IS NULL", trial,
                top1);
}

}  // namespace hwnas::engine
