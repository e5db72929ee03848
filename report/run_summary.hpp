#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "estimators/cost_model.hpp"
#include "estimators/rank_statistics.hpp"
#include "ir/network.hpp"
#include "search/strategy.hpp"

namespace hwnas::report {

/// A named number of a trial, as shown: not negated.
struct MetricValue {
  std::string name;  ///< "val_top1", "latency_ms", …
  double value = 0;
  double standard_deviation = 0;
  estimators::Origin origin = estimators::Origin::kPredicted;
};

struct ObjectiveSpec {
  std::string metric;
  bool maximize = false;
};

struct LimitSpec {
  std::string metric;
  double bound = 0;  ///< value must not exceed it
};

struct CurvePoint {
  int epoch = 0;
  double train_loss = 0;
  double validation_loss = 0;
  double validation_top1 = 0;
};

struct TrialSummary {
  std::uint64_t id = 0;
  std::string genotype;     ///< "3-0-1"
  std::string description;  ///< spaces::describe
  search::TrialState state = search::TrialState::kFailed;
  std::string reason;  ///< why failed, infeasible or stopped
  std::vector<MetricValue> metrics;
  std::vector<CurvePoint> curve;
  double start_seconds = 0;  ///< since the start of the run
  double end_seconds = 0;
  int worker = 0;
  bool on_front = false;  ///< of the search, over complete trials
};

/// A front point that was trained fully.
struct FinalistSummary {
  std::uint64_t trial = 0;
  ir::Network network;
  std::vector<MetricValue> metrics;  ///< with measured latency where there is one
  std::vector<CurvePoint> curve;
  bool chosen = false;              ///< exported
  std::optional<double> test_top1;  ///< of the exported artifact; set for the chosen one only
  std::map<std::string, std::vector<double>>
      per_layer;  ///< metric -> one value a layer of `network`
};

/// What a pass of compression did to one layer with weights of the chosen network.
struct PassLayer {
  std::string layer;
  std::string format;  ///< "int8", "int4", …
  int activation_bits = 8;
  double sensitivity = 0;  ///< 0: not measured
  double flash_bytes = 0;
  double latency_ms = 0;
};

struct PassSummary {
  std::string pass;
  bool accepted = false;
  double val_top1_before = 0;
  double val_top1_after = 0;
  double seconds = 0;
  std::string summary;
  std::vector<PassLayer> layers;
};

/// The chosen network in integers.
struct CompressionSummary {
  double float_val_top1 = 0;
  double val_top1 = 0;              ///< of the integers, on the same samples
  std::optional<double> test_top1;  ///< of the integers, in the arithmetic of the runtime
  std::vector<PassSummary> passes;
};

/// A network that the supernet scored and that was then trained alone. Losses are cross-entropies
/// in nats, with shared weights.
struct RankCheckNetwork {
  std::string genotype;
  double supernet_loss = 0;
  double alone_top1 = 0;
  std::optional<double> few_shot_loss = {};  ///< scored again, by the split supernet
  std::int64_t parameters = 0;
  double score = 0;  ///< of the supernet that scored last: loss − size_weight · ln(parameters)
};

/// How well the supernet ranks networks once it is split.
struct FewShotSummary {
  std::string decision;    ///< that it is split by
  double similarity = 0;   ///< cosine, of the gradients of that decision's options
  double size_weight = 0;  ///< as RankCheckSummary's
  double tau = 0;          ///< Kendall's
  double low = 0;          ///< of its 95 % interval
  double high = 0;
  estimators::Line line = {};  ///< as RankCheckSummary's
  bool used = true;            ///< tau is not below least_tau
};

/// How well the supernet's scores rank networks.
struct RankCheckSummary {
  std::vector<RankCheckNetwork> networks;
  double size_weight = 0;  ///< nats for each factor e of parameters; 0: scores are losses
  double tau = 0;          ///< Kendall's, between less score and accuracy alone
  double low = 0;          ///< of its 95 % interval
  double high = 0;
  double least_tau = 0;
  estimators::Line line = {};  ///< the predicted accuracy trained alone, percent, over the score
  bool used = true;            ///< tau is not below least_tau
  std::optional<FewShotSummary> few_shot = {};  ///< absent: it was not split
};

/// How likely the options of a decision are.
struct DecisionProbabilities {
  std::string decision;
  std::vector<std::string> options;
  std::vector<double> probabilities;  ///< one an option
};

/// The distribution over networks that the differentiable stage has found, and the network that it
/// yields. Losses are in nats.
struct DifferentiableSummary {
  std::string skipped = {};  ///< why the stage was skipped; the rest is then empty
  int steps = 0;
  std::string genotype = {};     ///< "3-0-1"; empty: no network that was drawn keeps the limits
  std::string description = {};  ///< spaces::describe
  double loss = 0;               ///< of that network: its cross-entropy and its costs
  double cross_entropy = 0;
  double val_top1 = 0;           ///< percent, with the supernet's weights
  std::string cost_metric = {};  ///< predicted; empty: no objective is a cost
  double cost = 0;               ///< of that network
  double expected_cost = 0;      ///< of a network that the distribution draws
  double feasible_share = 0;     ///< of those draws; 0..1
  double entropy = 0;            ///< nats
  double uniform_entropy = 0;
  std::vector<DecisionProbabilities> decisions = {};  ///< in the space's order
};

struct StageSummary {
  std::string
      name;  ///< prepare, supernet, differentiable, search, finalists, compression, export, report
  double seconds = 0;
  std::string state;  ///< "done", "running", "pending"
};

struct ArtifactSummary {
  std::string format;
  std::string file;  ///< relative to the run's folder
  std::string sha256;
  std::uint64_t bytes = 0;
};

/// Everything a report shows of a finished or running run; filled from the store alone.
struct RunSummary {
  std::string name;
  std::string state;    ///< "running", "finished", "interrupted", "failed"
  std::string started;  ///< RFC 3339, UTC
  std::string hwnas_version;
  std::string machine;  ///< processor, cores
  std::uint64_t seed = 0;
  std::string config_yaml;  ///< the experiment as run
  std::string space;
  std::string strategy;
  std::string device;
  std::string runtime;
  std::vector<ObjectiveSpec> objectives;
  std::vector<LimitSpec> limits;
  std::optional<RankCheckSummary> rank_check;
  std::optional<DifferentiableSummary> differentiable;
  std::vector<TrialSummary> trials;  ///< in id order
  std::vector<FinalistSummary> finalists;
  std::optional<CompressionSummary> compression;
  std::vector<StageSummary> stages;
  std::vector<ArtifactSummary> artifacts;
};

}  // namespace hwnas::report
