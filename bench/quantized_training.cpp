// What quantization costs a small network in points, what quantization-aware training brings back,
// and how long an epoch of it takes beside one in float. The reference candidate on Fashion-MNIST:
// validation accuracy of the simulation, from min-max scales of one batch, and how often the
// integer executor chooses the same class.
//
//   build/release/bench/quantized_training                        all rows
//   build/release/bench/quantized_training --figure NAME          its last line is the figure:
//     int8_drop, mixed_drop, int4_drop       points lost to float after training with 8-bit
//                                            weights, 4 bits in 1x1 convolutions, 4 bits in all
//     epoch_cost, distilled_epoch_cost       seconds of an epoch over those of one in float
//   --weights FILE   keeps the float network's weights there, and starts from them the next time
//
// Expected: at most 0.3, 1 and 1.5 points; at most 1.3 and 1.6 times.

#include <fmt/format.h>
#include <torch/torch.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>

#include "bench/reference_candidate.hpp"
#include "compression/integer_executor.hpp"
#include "compression/quantizer.hpp"
#include "core/error.hpp"
#include "data/dataset.hpp"
#include "estimators/rank_statistics.hpp"
#include "tests/train/min_max_scales.hpp"
#include "train/batches_torch.hpp"
#include "train/quantized_training.hpp"

namespace {

using namespace hwnas;

constexpr std::uint64_t kSeed = 7;
constexpr std::size_t kTimedSamples = 12'800;
constexpr std::size_t kComparedSamples = 2'000;

struct Problem {
  data::DataSource source =
      data::read_data(Config::parse("name: fashion_mnist\n", "quantized_training"));
  data::Split split = data::stratified_split(source.train, 0.1, kSeed);
  train::TrainData data{&source.train, split.train, split.validation,
                        data::measure_normalisation(source.train, split.train)};
};

train::TrainOptions float_options(int epochs) {
  return {.epochs = epochs,
          .batch_size = 128,
          .learning_rate = 0.2,
          .weight_decay = 2e-4,
          .augmentation = {.flip = true}};
}

ir::FoldedNetwork float_network(const Problem& problem, int epochs, const std::string& file) {
  const ir::Network network = bench::reference_candidate();
  if (!file.empty() && std::filesystem::exists(file)) {
    return ir::fold_batch_norm(network, ir::load_safetensors(file));
  }
  const auto result = train::train_network(network, problem.data, float_options(epochs), kSeed);
  if (!file.empty()) ir::save_safetensors(result.weights, file);
  return ir::fold_batch_norm(network, result.weights);
}

using FormatOf = train::MinMaxScales::FormatOf;

ir::WeightFormat int4_in_pointwise(const ir::Layer& layer) {
  const auto* conv = std::get_if<ir::Conv2d>(&layer.op);
  const bool pointwise = conv != nullptr && conv->window.kernel_height == 1;
  return pointwise ? ir::WeightFormat::kInt4 : ir::WeightFormat::kInt8;
}

FormatOf all_in(ir::WeightFormat format) {
  return [format](const ir::Layer&) { return format; };
}

ir::NetworkScales start_scales(const Problem& problem, const ir::FoldedNetwork& network,
                               const FormatOf& format_of) {
  train::BatchLoader loader(problem.source.train, problem.data.normalisation, torch::kCPU, 512);
  return train::MinMaxScales(network, loader.load(problem.data.train.first(512)).images, format_of)
      .scales();
}

/// Share of the first validation images, in percent, on which the rounded network in a target's
/// integer arithmetic chooses the class that the simulation chooses.
double agreement(const Problem& problem, const ir::Network& network,
                 const train::QuantizedTrainResult& trained) {
  const ir::FoldedNetwork folded{network, trained.weights};
  const auto samples = problem.data.validation.first(kComparedSamples);
  const auto simulated = train::evaluate_quantized(folded, trained.scales, problem.source.train,
                                                   samples, problem.data.normalisation);
  const ir::QuantizedNetwork integers = compression::quantized(folded, trained.scales);
  const compression::IntegerExecutor executor(integers);
  train::BatchLoader loader(problem.source.train, problem.data.normalisation, torch::kCPU, 1);
  int same = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const torch::Tensor image = loader.load(samples.subspan(i, 1)).images.contiguous();
    const auto* values = image.data_ptr<float>();
    const auto logits =
        executor.run(ir::quantize(integers.input_quantization, {values, values + image.numel()}));
    const auto best = std::ranges::max_element(logits);
    same += std::distance(logits.begin(), best) == simulated.predictions[i];
  }
  return 100.0 * same / static_cast<double>(samples.size());
}

/// The same as text. A channel whose input hardly varies has huge weights once its batch norm is
/// folded; of 2 bits, their scale may be beyond what can be requantized.
std::string agreement_text(const Problem& problem, const ir::Network& network,
                           const train::QuantizedTrainResult& trained) {
  try {
    return fmt::format("{:.2f}", agreement(problem, network, trained));
  } catch (const Error& refusal) {
    fmt::print(stderr, "{}\n", refusal.what());
    return "refused";
  }
}

struct Row {
  double before = 0;
  double after = 0;
  std::string agreement;
};

Row train_quantized(const Problem& problem, const ir::FoldedNetwork& network,
                    const FormatOf& format_of, const train::QuantizedTrainOptions& options) {
  const auto& data = problem.data;
  const ir::NetworkScales start = start_scales(problem, network, format_of);
  const double before =
      train::evaluate_quantized(network, start, *data.dataset, data.validation, data.normalisation)
          .top1;
  const auto result = train::train_quantized(network, start, data, options, kSeed);
  return {before, result.validation_top1(), agreement_text(problem, network.network, result)};
}

/// Seconds an epoch, with and without a teacher, over those of float; of interleaved rounds.
struct EpochCosts {
  double plain = 0;
  double distilled = 0;
};
EpochCosts epoch_costs(const Problem& problem, const ir::FoldedNetwork& network, int rounds) {
  const ir::NetworkScales start = start_scales(problem, network, all_in(ir::WeightFormat::kInt8));
  train::TrainData data = problem.data;
  data.train = data.train.first(kTimedSamples);
  data.validation = data.validation.first(1);
  train::QuantizedTrainOptions options;
  options.training = float_options(1);
  options.training.learning_rate = 1e-3;
  const auto quantized = [&](double distillation) {
    options.distillation_weight = distillation;
    return train::train_quantized(network, start, data, options, kSeed).epochs.at(0).seconds;
  };
  std::vector<double> plain;
  std::vector<double> distilled;
  for (int round = 0; round < rounds; ++round) {
    const double in_float =
        train::train_network(bench::reference_candidate(), data, float_options(1), kSeed)
            .epochs.at(0)
            .seconds;
    plain.push_back(quantized(0) / in_float);
    distilled.push_back(quantized(0.5) / in_float);
  }
  return {estimators::median(plain), estimators::median(distilled)};
}

}  // namespace

int main(int argc, char** argv) try {
  CLI::App app("Quantization-aware training of the reference candidate");
  std::string figure;
  std::string weights;
  int float_epochs = 8;
  int rounds = 5;
  train::QuantizedTrainOptions options;
  options.training.augmentation.flip = true;
  bool adamw = false;
  app.add_option("--figure", figure)
      ->check(CLI::IsMember(
          {"int8_drop", "mixed_drop", "int4_drop", "epoch_cost", "distilled_epoch_cost"}));
  app.add_option("--weights", weights, "a .safetensors file");
  app.add_option("--float-epochs", float_epochs)->capture_default_str();
  app.add_option("--epochs", options.training.epochs, "of quantized training")
      ->capture_default_str();
  app.add_option("--learning-rate", options.training.learning_rate)->capture_default_str();
  app.add_option("--distillation", options.distillation_weight)->capture_default_str();
  app.add_option("--temperature", options.distillation_temperature)->capture_default_str();
  app.add_flag("--adamw", adamw);
  app.add_option("--rounds", rounds, "of timing")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  if (adamw) options.training.optimizer = train::Optimizer::kAdamW;
  train::set_worker_threads(1, 1);

  const Problem problem;
  const ir::FoldedNetwork network = float_network(problem, float_epochs, weights);
  if (figure.ends_with("epoch_cost")) {
    const EpochCosts costs = epoch_costs(problem, network, rounds);
    fmt::print("an epoch over one in float: {:.2f}, with a teacher {:.2f}\n", costs.plain,
               costs.distilled);
    fmt::print("{:.2f}\n", figure == "epoch_cost" ? costs.plain : costs.distilled);
    return 0;
  }
  const double in_float =
      train::evaluate_network(network.network, network.weights, *problem.data.dataset,
                              problem.data.validation, problem.data.normalisation)
          .top1;
  const std::map<std::string, FormatOf> rows{{"int8", all_in(ir::WeightFormat::kInt8)},
                                             {"mixed", int4_in_pointwise},
                                             {"int4", all_in(ir::WeightFormat::kInt4)},
                                             {"int2", all_in(ir::WeightFormat::kInt2)},
                                             {"ternary", all_in(ir::WeightFormat::kTernary)},
                                             {"binary", all_in(ir::WeightFormat::kBinary)}};
  fmt::print("float {:.2f} %\n{:<8} {:>8} {:>8} {:>8} {:>12}\n", in_float, "weights", "before",
             "after", "lost", "same class");
  for (const auto& [name, format_of] : rows) {
    if (!figure.empty() && figure != name + "_drop") continue;
    const Row row = train_quantized(problem, network, format_of, options);
    fmt::print("{:<8} {:>8.2f} {:>8.2f} {:>8.2f} {:>12}\n", name, row.before, row.after,
               in_float - row.after, row.agreement);
    std::fflush(stdout);
    if (!figure.empty()) fmt::print("{:.2f}\n", in_float - row.after);
  }
  return 0;
} catch (const hwnas::Error& error) {
  fmt::print(stderr, "quantized_training: {}\n", error.what());
  return 1;
}
