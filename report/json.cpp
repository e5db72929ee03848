#include <nlohmann/json.hpp>

#include "report/differentiable_json.hpp"
#include "report/metric.hpp"
#include "report/report.hpp"

namespace hwnas::report {

namespace {

using nlohmann::json;

json to_json(const std::vector<MetricValue>& metrics) {
  json list = json::array();
  for (const MetricValue& metric : metrics) {
    list.push_back({{"name", metric.name},
                    {"value", metric.value},
                    {"unit", metric_style(metric.name).unit},
                    {"standard_deviation", metric.standard_deviation},
                    {"origin", estimators::to_string(metric.origin)}});
  }
  return list;
}

json to_json(const std::vector<CurvePoint>& curve) {
  json list = json::array();
  for (const CurvePoint& point : curve) {
    list.push_back({{"epoch", point.epoch},
                    {"train_loss", point.train_loss},
                    {"validation_loss", point.validation_loss},
                    {"validation_top1", point.validation_top1}});
  }
  return list;
}

json to_json(const TrialSummary& trial) {
  return {{"id", trial.id},
          {"genotype", trial.genotype},
          {"description", trial.description},
          {"state", search::to_string(trial.state)},
          {"reason", trial.reason},
          {"metrics", to_json(trial.metrics)},
          {"curve", to_json(trial.curve)},
          {"start_seconds", trial.start_seconds},
          {"end_seconds", trial.end_seconds},
          {"worker", trial.worker},
          {"on_front", trial.on_front}};
}

json to_json(const FinalistSummary& finalist) {
  return {{"trial", finalist.trial},
          {"chosen", finalist.chosen},
          {"test_top1", finalist.test_top1 ? json(*finalist.test_top1) : json()},
          {"metrics", to_json(finalist.metrics)},
          {"curve", to_json(finalist.curve)},
          {"per_layer", finalist.per_layer},
          {"network", ir::to_json(finalist.network)}};
}

json to_json(const PassLayer& layer) {
  return {{"layer", layer.layer},
          {"format", layer.format},
          {"activation_bits", layer.activation_bits},
          {"sensitivity", layer.sensitivity},
          {"flash_bytes", layer.flash_bytes},
          {"latency_ms", layer.latency_ms}};
}

json to_json(const PassSummary& pass) {
  json layers = json::array();
  for (const PassLayer& layer : pass.layers) layers.push_back(to_json(layer));
  return {{"pass", pass.pass},
          {"accepted", pass.accepted},
          {"val_top1_before", pass.val_top1_before},
          {"val_top1_after", pass.val_top1_after},
          {"seconds", pass.seconds},
          {"summary", pass.summary},
          {"layers", layers}};
}

json to_json(const CompressionSummary& compression) {
  json passes = json::array();
  for (const PassSummary& pass : compression.passes) passes.push_back(to_json(pass));
  return {{"float_val_top1", compression.float_val_top1},
          {"val_top1", compression.val_top1},
          {"test_top1", compression.test_top1 ? json(*compression.test_top1) : json()},
          {"passes", passes}};
}

json to_json(const StageSummary& stage) {
  return {{"name", stage.name}, {"seconds", stage.seconds}, {"state", stage.state}};
}

json to_json(const ArtifactSummary& artifact) {
  return {{"format", artifact.format},
          {"file", artifact.file},
          {"sha256", artifact.sha256},
          {"bytes", artifact.bytes}};
}

json to_json(const ObjectiveSpec& objective) {
  return {{"metric", objective.metric},
          {"direction", objective.maximize ? "maximize" : "minimize"}};
}

json to_json(const LimitSpec& limit) {
  return {{"metric", limit.metric}, {"bound", limit.bound}};
}

json to_json(const RankCheckNetwork& network) {
  return {{"genotype", network.genotype},
          {"supernet_loss", network.supernet_loss},
          {"alone_top1", network.alone_top1},
          {"few_shot_loss", network.few_shot_loss ? json(*network.few_shot_loss) : json()},
          {"parameters", network.parameters},
          {"score", network.score}};
}

template <typename Item>
json list_of(const std::vector<Item>& items) {
  json list = json::array();
  for (const Item& item : items) list.push_back(to_json(item));
  return list;
}

json to_json(const FewShotSummary& few_shot) {
  return {{"decision", few_shot.decision}, {"similarity", few_shot.similarity},
          {"tau", few_shot.tau},           {"low", few_shot.low},
          {"high", few_shot.high},         {"size_weight", few_shot.size_weight},
          {"slope", few_shot.line.slope},  {"intercept", few_shot.line.intercept},
          {"used", few_shot.used}};
}

json to_json(const RankCheckSummary& check) {
  return {{"networks", list_of(check.networks)},
          {"tau", check.tau},
          {"low", check.low},
          {"high", check.high},
          {"least_tau", check.least_tau},
          {"size_weight", check.size_weight},
          {"slope", check.line.slope},
          {"intercept", check.line.intercept},
          {"used", check.used},
          {"few_shot", check.few_shot ? to_json(*check.few_shot) : json()}};
}

}  // namespace

nlohmann::json render_json(const RunSummary& run) {
  const HypervolumeCurve hypervolume = hypervolume_curve(run);
  return {{"schema", "hwnas.report/3"},
          {"name", run.name},
          {"state", run.state},
          {"started", run.started},
          {"hwnas_version", run.hwnas_version},
          {"machine", run.machine},
          {"seed", run.seed},
          {"config_yaml", run.config_yaml},
          {"space", run.space},
          {"strategy", run.strategy},
          {"device", run.device},
          {"runtime", run.runtime},
          {"objectives", list_of(run.objectives)},
          {"limits", list_of(run.limits)},
          {"hypervolume", {{"reference", hypervolume.reference}, {"values", hypervolume.values}}},
          {"rank_check", run.rank_check ? to_json(*run.rank_check) : json()},
          {"differentiable", run.differentiable ? json(*run.differentiable) : json()},
          {"trials", list_of(run.trials)},
          {"finalists", list_of(run.finalists)},
          {"compression", run.compression ? to_json(*run.compression) : json()},
          {"stages", list_of(run.stages)},
          {"artifacts", list_of(run.artifacts)}};
}

}  // namespace hwnas::report
