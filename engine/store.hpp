#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "engine/database.hpp"
#include "engine/run_lock.hpp"
#include "measurement/measurement.hpp"
#include "report/run_summary.hpp"
#include "search/strategy.hpp"
#include "spaces/search_space.hpp"

namespace hwnas::engine {

/// The stages of a run, in order; also their names in the store.
enum class Stage {
  kPrepare,
  kSupernet,
  kDifferentiable,
  kSearch,
  kFinalists,
  kCompression,
  kExport,
  kReport
};
/// All of them; kSupernet and kDifferentiable only where an experiment has such a section.
inline constexpr Stage kStages[] = {Stage::kPrepare, Stage::kSupernet,  Stage::kDifferentiable,
                                    Stage::kSearch,  Stage::kFinalists, Stage::kCompression,
                                    Stage::kExport,  Stage::kReport};
std::string_view to_string(Stage stage);

/// What is written once, when a run is created (table `run`, one row).
struct RunRecord {
  std::string experiment = {};      ///< Experiment::config as YAML
  std::string folder = {};          ///< Experiment::folder
  std::string version = {};         ///< of hwnas
  std::string machine = {};         ///< processor and cores
  std::string started = {};         ///< RFC 3339, UTC
  std::string failure = {};         ///< why the last attempt ended; empty: it did not fail
  std::string latency_model = {};   ///< Experiment::latency_model
  bool has_supernet = false;        ///< not kept: whether there is a stage kSupernet
  bool has_differentiable = false;  ///< not kept: whether there is a stage kDifferentiable
};

struct StageRecord {
  Stage stage = Stage::kPrepare;
  bool done = false;
  double seconds = 0;  ///< summed over all attempts
};

/// A network that was scored by the supernet and is trained alone, to see how far the scores can
/// be trusted. Losses are cross-entropies in nats, with shared weights.
struct RankCheckRecord {
  spaces::Genotype genotype;
  std::int64_t parameters = 1;  ///< of the network
  double supernet_loss = 0;
  std::optional<double> alone_top1;     ///< absent: not trained
  std::string failure;                  ///< why it could not be trained; empty: it was, or will be
  std::optional<double> few_shot_loss;  ///< of the split supernet; absent: not scored by one

  bool is_done() const { return alone_top1 || !failure.empty(); }
};

/// Where a supernet was split because the scores cannot be trusted.
struct FewShotRecord {
  std::string decision;   ///< its name
  double similarity = 0;  ///< of gradients there: see train::Disagreement
};

/// One proposal and, once it is known, how it ended.
struct TrialRecord {
  std::uint64_t id = 0;
  spaces::Genotype genotype;
  std::string description;                  ///< spaces::describe
  std::optional<search::TrialState> state;  ///< absent: proposed, not finished
  std::string reason;                       ///< why infeasible, failed or stopped
  double violation = 0;                     ///< see search::Trial
  std::vector<report::MetricValue> metrics;
  std::vector<report::CurvePoint> curve;
  double start_seconds = 0;  ///< of the run's own clock, which stands still between attempts
  double end_seconds = 0;
  int worker = 0;
  std::optional<measurement::Measurement> measurement;  ///< on the device
};

/// A point of the front, chosen for full training.
struct FinalistRecord {
  std::uint64_t trial = 0;
  int rank = 0;         ///< order of choice, from 0
  std::string network;  ///< ir::to_json
  bool trained = false;
  std::string reason;        ///< why training failed; empty: it did not
  std::string weights_file;  ///< safetensors, relative to the run's folder
  std::string weights_sha256;
  bool chosen = false;
  std::optional<double> test_top1;
  std::vector<report::MetricValue> metrics;
  std::vector<report::CurvePoint> curve;
  /// metric -> one value a layer of the network
  std::map<std::string, std::vector<double>> per_layer;
};

/// The chosen finalist in integers.
struct CompressionRecord {
  std::string file;  ///< JSON of the ir::QuantizedNetwork, relative to the run's folder; empty: no
                     ///< pass was accepted
  std::string sha256;
  report::CompressionSummary summary;
};

/// True if a run was created in the folder.
bool holds_run(const std::filesystem::path& folder);
/// AlreadyExists, for those who wanted to create one.
Error run_exists(const std::filesystem::path& folder);

/// Reads run.db of a run's folder as it was at the moment of construction, also while a run is
/// going on, and from a read-only disk. Throws NotFound if the folder holds no run,
/// FailedPrecondition if the file is damaged or of another schema version.
class StoreReader {
 public:
  explicit StoreReader(const std::filesystem::path& folder);

  RunRecord run() const;
  std::vector<StageRecord> stages() const;          ///< in order
  std::vector<RankCheckRecord> rank_check() const;  ///< in the order they were noted
  std::optional<FewShotRecord> few_shot() const;    ///< absent: the supernet was not split
  std::vector<TrialRecord> trials() const;          ///< in id order
  std::vector<FinalistRecord> finalists() const;    ///< in rank order
  std::optional<CompressionRecord> compression() const;
  std::vector<report::ArtifactSummary> artifacts() const;

 protected:
  explicit StoreReader(Database database) : database_(std::move(database)) {}
  mutable Database database_;
};

/// What becomes durable together during the search.
struct SearchBatch {
  struct Epoch {
    std::uint64_t trial = 0;
    report::CurvePoint point;
  };
  std::vector<TrialRecord> proposed;  ///< with predicted costs; infeasible ones with their state
  std::vector<Epoch> epochs;          ///< of running evaluations
  std::vector<TrialRecord> finished;  ///< metrics: those that the evaluation adds to the costs

  bool empty() const { return proposed.empty() && epochs.empty() && finished.empty(); }
};

/// The truth about one run: a SQLite file, run.db, in the run's folder, which this object keeps
/// locked. Every method is one transaction, on the disk when it returns. One thread at a time: the
/// pipeline's thread holds the only writing connection.
///
/// Tables (user_version = 6), in the words of the records above:
///   run       experiment, folder, version, machine, started, failure, latency_model (one row)
///   stage     position, name, done, seconds
///   rank_check  position, genotype, supernet_loss, alone_top1 (NULL: not trained yet),
///               few_shot_loss (NULL: not scored by a split supernet)
///   few_shot    decision, similarity (one row, or none)
///   trial     id, genotype ("3-0-1"), description, state (NULL: not finished), reason, violation,
///             worker, start_seconds, end_seconds
///   metric    phase ("search" or "finalist"), trial, name, origin, value, standard_deviation,
///             per_layer (JSON list, or NULL)
///   measurement  trial, record (JSON of a measurement::Measurement)
///   epoch     phase, trial, epoch, train_loss, validation_loss, validation_top1
///   finalist  trial, rank, network (JSON), trained, reason, weights_file, weights_sha256, chosen,
///             test_top1 (NULL: not measured)
///   compression  file, sha256, float_val_top1, val_top1, test_top1 (NULL: not measured) (one row)
///   pass         position, pass, accepted, val_top1_before, val_top1_after, seconds, summary
///   pass_layer   pass (its position), position, layer, format, activation_bits, sensitivity,
///                flash_bytes, latency_ms
///   artifact  format, file, sha256, bytes
/// Losses that are not numbers are NULL.
class Store : public StoreReader {
 public:
  /// Makes the folder if need be. After a crash there is a whole run.db or none. Throws
  /// AlreadyExists if the folder holds a run, FailedPrecondition if it is locked.
  static Store create(const std::filesystem::path& folder, const RunRecord& run);
  /// Checks the file and forgets the epochs of evaluations that were running when the last attempt
  /// ended: they run again.
  static Store open(const std::filesystem::path& folder);

  void set_stage(const StageRecord& stage);
  void set_failure(const std::string& reason);
  /// Notes which networks are checked, before they are trained.
  void add_rank_check(const std::vector<RankCheckRecord>& networks);
  /// `position`: in rank_check().
  void finish_rank_check(std::size_t position, double alone_top1);
  void fail_rank_check(std::size_t position, const std::string& failure);
  /// Notes where the supernet is split, before the parts are trained.
  void set_few_shot(const FewShotRecord& few_shot);
  /// Scores of the split supernet, one for each of rank_check().
  void set_few_shot_losses(const std::vector<double>& losses);
  /// `stage_seconds`: spent in the search so far.
  void write(const SearchBatch& batch, double stage_seconds);

  /// What the device said of a trial, and `metrics` in addition to its own.
  void add_measurement(std::uint64_t trial, const measurement::Measurement& measurement,
                       const std::vector<report::MetricValue>& metrics);

  /// Notes the choice, before training starts.
  void add_finalists(const std::vector<FinalistRecord>& finalists);
  /// The outcome of one training: state, weights, curve, and metrics in addition to those noted.
  void finish_finalist(const FinalistRecord& finalist);
  void add_finalist_metrics(std::uint64_t trial, const std::vector<report::MetricValue>& metrics);
  void choose_finalist(std::uint64_t trial);
  void set_compression(const CompressionRecord& compression);
  /// Once only, as set_test_top1.
  void set_compressed_test_top1(double top1);
  void set_artifacts(const std::vector<report::ArtifactSummary>& artifacts);
  /// Once only: a second value for the trial changes nothing.
  void set_test_top1(std::uint64_t trial, double top1);

 private:
  Store(RunLock lock, Database database)
      : StoreReader(std::move(database)), lock_(std::move(lock)) {}
  RunLock lock_;
};

}  // namespace hwnas::engine
