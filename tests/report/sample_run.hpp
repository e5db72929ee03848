#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "core/rng.hpp"
#include "estimators/peak_sram.hpp"
#include "ir/network.hpp"
#include "ir/weights.hpp"
#include "report/run_summary.hpp"
#include "search/pareto.hpp"

/// A run as a search for a microcontroller would leave it: invented, but of one piece. Costs follow
/// from the networks by simple rules, accuracies from costs and noise.
namespace hwnas::report::sample {

using estimators::Origin;
using search::TrialState;

/// Choices of one candidate of a small space of inverted residuals.
struct Genes {
  int width = 1;      ///< index of kWidths
  int expansion = 1;  ///< index of kExpansions
  int kernel = 0;     ///< index of kKernels
  int depth = 1;      ///< blocks of the later stages, minus one
  int stem = 0;       ///< index of kStems
};
inline constexpr std::array kWidths = {0.5, 0.75, 1.0, 1.25};
inline constexpr std::array kExpansions = {2, 3, 4, 6};
inline constexpr std::array kKernels = {3, 5};
inline constexpr std::array kStems = {8, 16};

class NetworkMaker {
 public:
  explicit NetworkMaker(const ir::Shape& input) : network_{input, {}}, shape_{input} {}

  int conv(const std::string& name, int channels, int kernel, int stride, int groups, bool act) {
    ir::Conv2d conv;
    conv.out_channels = channels;
    const int pad = kernel / 2;
    conv.window = {kernel, kernel, stride, stride, {pad, pad, pad, pad}};
    conv.groups = groups;
    append(name + ".conv", conv);
    append(name + ".bn", ir::BatchNorm{});
    if (act) append(name + ".act", ir::Activation{ir::ActivationKind::kRelu6});
    shape_ = {channels, (shape_.height - 1) / stride + 1, (shape_.width - 1) / stride + 1};
    return last();
  }

  void inverted_residual(const std::string& name, int channels, int expansion, int kernel,
                         int stride) {
    const int in = last();
    const bool residual = stride == 1 && channels == shape_.channels;
    const int hidden = shape_.channels * expansion;
    conv(name + ".expand", hidden, 1, 1, 1, true);
    conv(name + ".depthwise", hidden, kernel, stride, hidden, true);
    conv(name + ".project", channels, 1, 1, 1, false);
    if (residual) network_.layers.push_back({name + ".add", ir::Add{}, {in, last()}, {}});
  }

  ir::Network classifier(int classes) && {
    append("pool", ir::GlobalAveragePool{});
    append("logits", ir::Linear{.out_features = classes});
    ir::verify(network_);
    return std::move(network_);
  }

 private:
  int last() const { return static_cast<int>(network_.layers.size()) - 1; }
  void append(const std::string& name, const ir::Operator& op) {
    network_.layers.push_back({name, op, {last()}, {}});
  }

  ir::Network network_;
  ir::Shape shape_;
};

inline ir::Network make_network(const Genes& genes) {
  const auto wide = [&](int channels) {
    return std::max(8, static_cast<int>(channels * kWidths[genes.width]) / 8 * 8);
  };
  NetworkMaker maker({1, 28, 28});
  maker.conv("stem", kStems[genes.stem], 3, 1, 1, true);
  const std::array stage_channels = {16, 24, 40};
  for (int stage = 0; stage < 3; ++stage) {
    const int blocks = stage == 0 ? 1 : genes.depth + 1;
    for (int block = 0; block < blocks; ++block) {
      maker.inverted_residual(fmt::format("stage{}.block{}", stage + 1, block + 1),
                              wide(stage_channels[stage]), kExpansions[genes.expansion],
                              kKernels[genes.kernel], block == 0 ? 2 : 1);
    }
  }
  maker.conv("head", wide(96), 1, 1, 1, true);
  return std::move(maker).classifier(10);
}

struct LayerCosts {
  std::map<std::string, std::vector<double>> per_layer;
  double total(const std::string& metric) const {
    double sum = 0;
    for (const double value : per_layer.at(metric)) sum += value;
    return sum;
  }
};

inline LayerCosts layer_costs(const ir::Network& network) {
  LayerCosts costs;
  const std::vector<ir::Shape> shapes = ir::infer_shapes(network);
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    const ir::Layer& layer = network.layers[i];
    const ir::Shape in = ir::input_shape(network, shapes, static_cast<int>(i));
    const auto macs = static_cast<double>(ir::macs(layer, in, shapes[i]));
    const auto* conv = std::get_if<ir::Conv2d>(&layer.op);
    const bool depthwise = conv != nullptr && conv->groups > 1;
    const bool folded = std::holds_alternative<ir::BatchNorm>(layer.op) ||
                        std::holds_alternative<ir::Activation>(layer.op);
    const double elements = folded ? 0 : static_cast<double>(shapes[i].elements());
    const double latency =
        1000 * macs / (depthwise ? 38e6 : 95e6) + elements * 4e-5 + (folded ? 0 : 0.02);
    costs.per_layer["macs"].push_back(macs);
    costs.per_layer["latency_ms"].push_back(latency);
    costs.per_layer["energy_mj"].push_back(latency * 0.33);
    costs.per_layer["flash_bytes"].push_back(
        folded ? 0 : static_cast<double>(ir::parameters(layer, in)) * 1.08);
  }
  return costs;
}

inline double peak_bytes(const ir::Network& network) {
  constexpr double kRuntime = 8200;
  return kRuntime + static_cast<double>(estimators::peak_sram(ir::fold_batch_norm(network)).bytes);
}

inline std::vector<CurvePoint> make_curve(double top1, int epochs, Rng& rng) {
  std::vector<CurvePoint> curve;
  for (int epoch = 1; epoch <= epochs; ++epoch) {
    const double progress = 1 - std::exp(-3.2 * epoch / epochs);
    const double now = top1 - (1 - progress) * 34 + 0.35 * rng.normal() * (epoch < epochs);
    curve.push_back({epoch, 2.2 * (1 - progress) + 0.2,
                     1.9 * (1 - progress) + 0.27 + 0.01 * rng.normal(), now});
  }
  return curve;
}

/// Costs, limits and state of a candidate; accuracy where it was trained.
inline TrialSummary make_trial(std::uint64_t id, const Genes& genes,
                               const std::vector<LimitSpec>& limits, Rng& rng) {
  const ir::Network network = make_network(genes);
  const LayerCosts costs = layer_costs(network);
  TrialSummary trial;
  trial.id = id;
  trial.genotype = fmt::format("{}-{}-{}-{}-{}", genes.width, genes.expansion, genes.kernel,
                               genes.depth, genes.stem);
  trial.description = fmt::format("width {}, expansion {}, kernel {}, depth {}, stem {}",
                                  kWidths[genes.width], kExpansions[genes.expansion],
                                  kKernels[genes.kernel], genes.depth + 1, kStems[genes.stem]);
  const double latency = costs.total("latency_ms");
  const double energy = costs.total("energy_mj");
  trial.metrics = {{"latency_ms", latency, 0.06 * latency, Origin::kPredicted},
                   {"energy_mj", energy, 0.09 * energy, Origin::kPredicted},
                   {"peak_sram_bytes", peak_bytes(network), 0, Origin::kPredicted},
                   {"flash_bytes", 21000 + costs.total("flash_bytes"), 0, Origin::kPredicted},
                   {"macs", costs.total("macs"), 0, Origin::kExact}};
  for (const LimitSpec& limit : limits) {
    const auto metric = std::ranges::find(trial.metrics, limit.metric, &MetricValue::name);
    if (metric->value <= limit.bound) continue;
    trial.reason += fmt::format("{}{} {:.0f} > {:.0f}", trial.reason.empty() ? "" : ", ",
                                limit.metric, metric->value, limit.bound);
  }
  if (!trial.reason.empty()) {
    trial.state = TrialState::kInfeasible;
    return trial;
  }
  const double top1 =
      92.4 - 9.5 * std::exp(-latency / 28) - 0.9 * genes.kernel + 0.5 * rng.normal();
  trial.curve = make_curve(top1, 3, rng);
  trial.state = TrialState::kComplete;
  trial.metrics.insert(trial.metrics.begin(), {"val_top1", top1, 0, Origin::kMeasured});
  return trial;
}

inline void spoil_some(std::vector<TrialSummary>& trials) {
  int complete = 0;
  for (TrialSummary& trial : trials) {
    if (trial.state != TrialState::kComplete) continue;
    ++complete;
    if (complete % 13 == 8) {
      trial.state = TrialState::kFailed;
      trial.reason = "loss is not a number in epoch 2";
      trial.metrics.erase(trial.metrics.begin());
      trial.curve.resize(1);
    } else if (complete % 11 == 5) {
      trial.state = TrialState::kStopped;
      trial.reason = "not better than the commonest class after epoch 1";
      trial.metrics.front().value = trial.curve.front().validation_top1;
      trial.curve.resize(1);
    }
  }
}

inline void schedule(std::vector<TrialSummary>& trials, int workers, Rng& rng) {
  std::vector<double> free(static_cast<std::size_t>(workers), 1.4);
  for (TrialSummary& trial : trials) {
    const auto worker = std::ranges::min_element(free) - free.begin();
    const double cost =
        trial.curve.empty() ? 0.05 : 14.0 * trial.curve.size() * (0.8 + 0.4 * rng.uniform());
    trial.worker = static_cast<int>(worker);
    trial.start_seconds = free[worker];
    trial.end_seconds = free[worker] += cost;
  }
}

inline void mark_front(RunSummary& run) {
  search::ParetoArchive archive;
  for (const TrialSummary& trial : run.trials) {
    if (trial.state != TrialState::kComplete) continue;
    archive.insert(
        {trial.id, {-trial.metrics[0].value, trial.metrics[1].value, trial.metrics[2].value}});
  }
  for (const search::ParetoPoint& point : archive.points()) run.trials[point.id].on_front = true;
}

inline Genes random_genes(Rng& rng) {
  const auto pick = [&](std::size_t n) { return static_cast<int>(rng.index(n)); };
  return {pick(kWidths.size()), pick(kExpansions.size()), pick(kKernels.size()), pick(3),
          pick(kStems.size())};
}

inline RunSummary empty_run() {
  RunSummary run;
  run.name = "fashion_mnist_mcu";
  run.state = "running";
  run.started = "2025-03-14T09:26:53Z";
  run.hwnas_version = "0.1.0";
  run.machine = "AMD EPYC 7B13, 2 cores";
  run.seed = 7;
  run.config_yaml =
      "version: 1\nname: fashion_mnist_mcu\nseed: 7\ndata: { name: fashion_mnist }\n"
      "space:\n  family: mobile\n  file: ../spaces/mobile_mcu.yaml\n"
      "device: { name: stm32f746, runtime: tflite_micro }\n"
      "# what counts, and what must not be exceeded\n"
      "objectives: [ maximize val_top1, minimize latency_ms, minimize energy_mj ]\n"
      "limits: { peak_sram_bytes: 64000, flash_bytes: 80000, macs: 3e6 }\n"
      "search: { strategy: nsga2, trials: 48, population: 20 }\n";
  run.space = "mobile";
  run.strategy = "nsga2";
  run.device = "stm32f746";
  run.runtime = "tflite_micro";
  run.objectives = {{"val_top1", true}, {"latency_ms", false}, {"energy_mj", false}};
  run.limits = {{"peak_sram_bytes", 64000}, {"flash_bytes", 80000}, {"macs", 3e6}};
  return run;
}

inline FinalistSummary make_finalist(const TrialSummary& trial, const Genes& genes, Rng& rng) {
  FinalistSummary finalist;
  finalist.trial = trial.id;
  finalist.network = make_network(genes);
  finalist.per_layer = layer_costs(finalist.network).per_layer;
  finalist.metrics = trial.metrics;
  finalist.metrics[0].value += 1.1 + 0.2 * rng.normal();
  finalist.curve = make_curve(finalist.metrics[0].value, 30, rng);
  const double measured = trial.metrics[1].value * (1 + 0.05 * rng.normal());
  finalist.metrics.push_back({"latency_ms", measured, 0.004 * measured, Origin::kMeasured});
  return finalist;
}

inline RunSummary make_run(std::size_t trials, std::uint64_t seed = 7) {
  RunSummary run = empty_run();
  Rng rng(seed);
  std::vector<Genes> genes;
  for (std::size_t id = 0; id < trials; ++id) {
    genes.push_back(random_genes(rng));
    run.trials.push_back(make_trial(id, genes.back(), run.limits, rng));
  }
  spoil_some(run.trials);
  schedule(run.trials, 2, rng);
  mark_front(run);

  run.state = "finished";
  std::vector<const TrialSummary*> front;
  for (const TrialSummary& trial : run.trials) {
    if (trial.on_front) front.push_back(&trial);
  }
  std::ranges::sort(front, std::greater{},
                    [](const TrialSummary* t) { return t->metrics[0].value; });
  for (std::size_t i = 0; i < std::min<std::size_t>(3, front.size()); ++i) {
    run.finalists.push_back(make_finalist(*front[i], genes[front[i]->id], rng));
  }
  if (!run.finalists.empty()) {
    run.finalists.front().chosen = true;
    run.finalists.front().test_top1 = run.finalists.front().metrics[0].value - 0.4;
  }
  if (!run.finalists.empty()) {
    const double top1 = run.finalists.front().metrics[0].value;
    run.compression = CompressionSummary{
        .float_val_top1 = top1,
        .val_top1 = top1 - 0.12,
        .test_top1 = top1 - 0.55,
        .passes = {{"quantize", true, top1, top1 - 0.12, 41.5, "int8 weights, 8-bit activations",
                    {{"stem.conv", "int8", 8, 0, 432, 0.81}, {"logits", "int8", 8, 0, 720, 0.02}}},
                   {"mixed_precision", false, top1 - 0.12, top1 - 4, 63, "rolled back", {}}}};
  }
  run.stages = {{"prepare", 1.4, "done"},
                {"search", 905.2, "done"},
                {"finalists", 1330.7, "done"},
                {"compression", 104.5, "done"},
                {"export", 4.1, "done"},
                {"report", 0.02, "done"}};
  run.artifacts = {{"onnx", "export/network.onnx",
                    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", 151820},
                   {"tflite", "export/network.tflite",
                    "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752", 48744}};
  return run;
}

inline RunSummary finished_run() {
  return make_run(48);
}

/// Half way through the search: no finalists yet.
inline RunSummary running_run() {
  RunSummary run = make_run(20);
  run.state = "running";
  run.finalists.clear();
  run.compression.reset();
  run.artifacts.clear();
  run.stages = {{"prepare", 1.4, "done"},
                {"search", 310.0, "running"},
                {"finalists", 0, "pending"},
                {"export", 0, "pending"},
                {"report", 0, "pending"}};
  return run;
}

inline RunSummary all_infeasible_run() {
  RunSummary run = empty_run();
  for (LimitSpec& limit : run.limits) limit.bound = 1000;
  Rng rng(3);
  for (std::uint64_t id = 0; id < 12; ++id) {
    run.trials.push_back(make_trial(id, random_genes(rng), run.limits, rng));
  }
  return run;
}

/// Every string that a user or a file could have chosen is an attack.
inline RunSummary hostile_run() {
  const std::string attack =
      "</script><script>alert(\"x\")</script>'<img src=x onerror=alert(1)>&\x01";
  RunSummary run = make_run(20);
  for (std::string* field :
       {&run.name, &run.state, &run.started, &run.hwnas_version, &run.machine, &run.config_yaml,
        &run.space, &run.strategy, &run.device, &run.runtime}) {
    *field = attack;
  }
  for (TrialSummary& trial : run.trials) {
    trial.genotype = trial.description = trial.reason = attack;
    trial.metrics.push_back({attack + "_ms", 1, 1, Origin::kMeasured});
  }
  for (FinalistSummary& finalist : run.finalists) {
    finalist.metrics.push_back({attack, 1, 0, Origin::kMeasured});
    finalist.per_layer[attack] = std::vector<double>(finalist.network.layers.size(), 1.0);
  }
  for (StageSummary& stage : run.stages) stage.name = stage.state = attack;
  for (ArtifactSummary& artifact : run.artifacts) {
    artifact.format = artifact.file = artifact.sha256 = attack;
  }
  return run;
}

}  // namespace hwnas::report::sample
