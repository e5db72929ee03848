#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "engine/store.hpp"
#include "engine/store_schema.hpp"

namespace hwnas::engine {
namespace {

estimators::Origin origin_from_string(std::string_view text) {
  using estimators::Origin;
  for (const Origin origin :
       {Origin::kExact, Origin::kPredicted, Origin::kEmulated, Origin::kMeasured}) {
    if (text == estimators::to_string(origin)) return origin;
  }
  throw error(ErrorCode::kFailedPrecondition, "{}: unknown origin '{}' of a metric", kStoreFile,
              text);
}

/// Calls use(trial, metric, row) for every metric of a phase, in (trial, name) order.
template <typename Use>
void for_each_metric(Database& database, std::string_view phase, Use use) {
  Statement rows = database.query(
      "SELECT trial, name, value, standard_deviation, origin, per_layer FROM metric"
      " WHERE phase = ?1 ORDER BY trial, name, origin",
      phase);
  while (rows.next()) {
    use(static_cast<std::uint64_t>(rows.integer(0)),
        report::MetricValue{rows.text(1), rows.real(2), rows.real(3),
                            origin_from_string(rows.text(4))},
        rows.text(5));
  }
}

template <typename Use>
void for_each_epoch(Database& database, std::string_view phase, Use use) {
  Statement rows = database.query(
      "SELECT trial, epoch, train_loss, validation_loss, validation_top1 FROM epoch"
      " WHERE phase = ?1 ORDER BY trial, epoch",
      phase);
  while (rows.next()) {
    use(static_cast<std::uint64_t>(rows.integer(0)),
        report::CurvePoint{static_cast<int>(rows.integer(1)), rows.real(2), rows.real(3),
                           rows.real(4)});
  }
}

/// Readers of a file with write-ahead logging make files beside it. Where they may not, a finished
/// run can still be read, since it has left no log behind.
Database::Access reading_access(const std::filesystem::path& folder) {
  const bool has_log = std::filesystem::exists(folder / (std::string(kStoreFile) + "-wal"));
  const bool writable = ::access(folder.c_str(), W_OK) == 0;
  return writable || has_log ? Database::Access::kReadOnly : Database::Access::kImmutable;
}

Database open_for_reading(const std::filesystem::path& folder) {
  require_store_file(folder);
  Database database(folder / kStoreFile, reading_access(folder));
  require_schema(database, folder);
  return database;
}

}  // namespace

std::string_view to_string(Stage stage) {
  constexpr std::array<std::string_view, 8> kNames = {"prepare", "supernet",  "differentiable",
                                                      "search",  "finalists", "compression",
                                                      "export",  "report"};
  return kNames[static_cast<std::size_t>(stage)];
}

bool holds_run(const std::filesystem::path& folder) {
  return std::filesystem::exists(folder / kStoreFile);
}

Error run_exists(const std::filesystem::path& folder) {
  return error(ErrorCode::kAlreadyExists,
               "{}: the folder holds a run already; resume it, or choose another folder",
               folder.string());
}

StoreReader::StoreReader(const std::filesystem::path& folder)
    : database_(open_for_reading(folder)) {
  // The first read fixes the state that all later ones see.
  database_.execute("BEGIN");
}

RunRecord StoreReader::run() const {
  Statement row = database_.query(
      "SELECT experiment, folder, version, machine, started, failure, latency_model"
      " FROM run");
  row.next();
  return {row.text(0), row.text(1), row.text(2), row.text(3),
          row.text(4), row.text(5), row.text(6)};
}

std::vector<StageRecord> StoreReader::stages() const {
  std::vector<StageRecord> stages;
  Statement rows = database_.query("SELECT position, done, seconds FROM stage ORDER BY position");
  while (rows.next()) {
    stages.push_back({static_cast<Stage>(rows.integer(0)), rows.integer(1) != 0, rows.real(2)});
  }
  return stages;
}

std::vector<RankCheckRecord> StoreReader::rank_check() const {
  std::vector<RankCheckRecord> networks;
  Statement rows = database_.query(
      "SELECT genotype, parameters, supernet_loss, alone_top1, failure, few_shot_loss"
      " FROM rank_check ORDER BY position");
  while (rows.next()) {
    RankCheckRecord& network = networks.emplace_back();
    network.genotype = spaces::genotype_from_string(rows.text(0));
    network.parameters = rows.integer(1);
    network.supernet_loss = rows.real(2);
    if (!rows.is_null(3)) network.alone_top1 = rows.real(3);
    network.failure = rows.text(4);
    if (!rows.is_null(5)) network.few_shot_loss = rows.real(5);
  }
  return networks;
}

std::optional<FewShotRecord> StoreReader::few_shot() const {
  Statement row = database_.query("SELECT decision, similarity FROM few_shot");
  if (!row.next()) return std::nullopt;
  return FewShotRecord{row.text(0), row.real(1)};
}

std::vector<TrialRecord> StoreReader::trials() const {
  std::vector<TrialRecord> trials;
  Statement rows = database_.query(
      "SELECT id, genotype, description, state, reason, violation, worker, start_seconds,"
      " end_seconds FROM trial ORDER BY id");
  while (rows.next()) {
    TrialRecord& trial = trials.emplace_back();
    trial.id = static_cast<std::uint64_t>(rows.integer(0));
    trial.genotype = spaces::genotype_from_string(rows.text(1));
    trial.description = rows.text(2);
    if (!rows.is_null(3)) trial.state = search::trial_state_from_string(rows.text(3));
    trial.reason = rows.text(4);
    trial.violation = rows.real(5);
    trial.worker = static_cast<int>(rows.integer(6));
    trial.start_seconds = rows.real(7);
    trial.end_seconds = rows.real(8);
  }
  // Ids are 0, 1, 2, …: a trial's id is its place.
  for_each_metric(database_, kSearchPhase,
                  [&](std::uint64_t trial, report::MetricValue metric, const std::string&) {
                    trials.at(trial).metrics.push_back(std::move(metric));
                  });
  Statement measurements = database_.query("SELECT trial, record FROM measurement");
  while (measurements.next()) {
    trials.at(static_cast<std::size_t>(measurements.integer(0))).measurement =
        measurement::measurement_from_json(nlohmann::json::parse(measurements.text(1)));
  }
  for_each_epoch(database_, kSearchPhase, [&](std::uint64_t trial, report::CurvePoint point) {
    trials.at(trial).curve.push_back(point);
  });
  return trials;
}

std::vector<FinalistRecord> StoreReader::finalists() const {
  std::vector<FinalistRecord> finalists;
  std::map<std::uint64_t, std::size_t> place;
  Statement rows = database_.query(
      "SELECT trial, rank, network, trained, reason, weights_file, weights_sha256, chosen,"
      " test_top1 FROM finalist ORDER BY rank");
  while (rows.next()) {
    FinalistRecord& finalist = finalists.emplace_back();
    finalist.trial = static_cast<std::uint64_t>(rows.integer(0));
    finalist.rank = static_cast<int>(rows.integer(1));
    finalist.network = rows.text(2);
    finalist.trained = rows.integer(3) != 0;
    finalist.reason = rows.text(4);
    finalist.weights_file = rows.text(5);
    finalist.weights_sha256 = rows.text(6);
    finalist.chosen = rows.integer(7) != 0;
    if (!rows.is_null(8)) finalist.test_top1 = rows.real(8);
    place[finalist.trial] = finalists.size() - 1;
  }
  for_each_metric(
      database_, kFinalistPhase,
      [&](std::uint64_t trial, report::MetricValue metric, const std::string& per_layer) {
        FinalistRecord& finalist = finalists[place.at(trial)];
        if (!per_layer.empty()) {
          finalist.per_layer[metric.name] =
              nlohmann::json::parse(per_layer).get<std::vector<double>>();
        }
        finalist.metrics.push_back(std::move(metric));
      });
  for_each_epoch(database_, kFinalistPhase, [&](std::uint64_t trial, report::CurvePoint point) {
    finalists[place.at(trial)].curve.push_back(point);
  });
  return finalists;
}

std::optional<CompressionRecord> StoreReader::compression() const {
  Statement row =
      database_.query("SELECT file, sha256, float_val_top1, val_top1, test_top1 FROM compression");
  if (!row.next()) return std::nullopt;
  CompressionRecord record{.file = row.text(0), .sha256 = row.text(1), .summary = {}};
  record.summary.float_val_top1 = row.real(2);
  record.summary.val_top1 = row.real(3);
  if (!row.is_null(4)) record.summary.test_top1 = row.real(4);
  Statement passes = database_.query(
      "SELECT pass, accepted, val_top1_before, val_top1_after, seconds, summary FROM pass"
      " ORDER BY position");
  while (passes.next()) {
    record.summary.passes.push_back({passes.text(0),
                                     passes.integer(1) != 0,
                                     passes.real(2),
                                     passes.real(3),
                                     passes.real(4),
                                     passes.text(5),
                                     {}});
  }
  Statement layers = database_.query(
      "SELECT pass, layer, format, activation_bits, sensitivity, flash_bytes, latency_ms"
      " FROM pass_layer ORDER BY pass, position");
  while (layers.next()) {
    record.summary.passes.at(static_cast<std::size_t>(layers.integer(0)))
        .layers.push_back({layers.text(1), layers.text(2), static_cast<int>(layers.integer(3)),
                           layers.real(4), layers.real(5), layers.real(6)});
  }
  return record;
}

std::vector<report::ArtifactSummary> StoreReader::artifacts() const {
  std::vector<report::ArtifactSummary> artifacts;
  Statement rows =
      database_.query("SELECT format, file, sha256, bytes FROM artifact ORDER BY format");
  while (rows.next()) {
    artifacts.push_back(
        {rows.text(0), rows.text(1), rows.text(2), static_cast<std::uint64_t>(rows.integer(3))});
  }
  return artifacts;
}

}  // namespace hwnas::engine
