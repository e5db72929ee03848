#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/format.hpp"
#include "cli/layer_table.hpp"
#include "cli/subject.hpp"
#include "cli/text_table.hpp"
#include "estimators/firmware_bytes.hpp"
#include "estimators/latency_model.hpp"

namespace hwnas::cli {
namespace {

struct Options : SubjectOptions {
  std::string genotype;
  std::string network_file;
};

/// Layers share the relative error of the whole: what is wrong is mostly the rates.
double relative_sd(const estimators::Estimate& estimate) {
  return estimate.value > 0 ? estimate.standard_deviation / estimate.value : 0;
}

/// Where the numbers of a device come from, where its file says so.
std::string origins(const Target& target) {
  const estimators::RuntimeProfile& runtime = target.runtime;
  if (runtime.latency_model_file) {
    return fmt::format("latency_ms by the model '{}': {}\n", runtime.latency_model->name(),
                       runtime.latency_model_file->source);
  }
  return fmt::format("latency_ms by the profile's rates, ±{:.0f} % (one standard deviation): {}\n",
                     100 * runtime.latency_relative_sd.value, runtime.latency_relative_sd.source);
}

ir::Network read_network(const std::string& file) {
  std::ifstream stream(file);
  if (!stream) throw error(ErrorCode::kNotFound, "{}: {}", file, std::strerror(errno));
  try {
    return ir::network_from_json(nlohmann::json::parse(stream));
  } catch (const nlohmann::json::exception& failure) {
    throw invalid_argument("{}: {}", file, failure.what());
  } catch (const Error& failure) {
    throw Error(failure.code(), fmt::format("{}: {}", file, failure.what()));
  }
}

ir::Network load_network(const Options& options) {
  if (!options.network_file.empty()) return read_network(options.network_file);
  if (options.file.empty() || options.genotype.empty())
    throw invalid_argument("predict: give FILE with --genotype, or --network");
  return load_space(options).space->decode(spaces::genotype_from_string(options.genotype));
}

nlohmann::json to_json(std::string_view metric, const estimators::Estimate& estimate) {
  const estimators::Interval interval = estimators::interval_95(estimate);
  nlohmann::json json = {{"metric", metric},
                         {"value", estimate.value},
                         {"standard_deviation", estimate.standard_deviation},
                         {"interval_95", {interval.low, interval.high}},
                         {"origin", estimators::to_string(estimate.origin)}};
  if (!estimate.per_layer.empty()) {
    json["per_layer"] = estimate.per_layer;
    json["per_layer_relative_standard_deviation"] = relative_sd(estimate);
  }
  return json;
}

std::vector<std::string> table_row(std::string_view metric, const estimators::Estimate& estimate) {
  const estimators::Interval interval = estimators::interval_95(estimate);
  return {std::string(metric), format_number(estimate.value),
          estimate.standard_deviation > 0
              ? fmt::format("{} to {}", format_number(interval.low), format_number(interval.high))
              : "",
          std::string(estimators::to_string(estimate.origin))};
}

void predict(const Options& options, const Invocation& invocation) {
  const ir::Network network = load_network(options);
  const std::optional<Target> target = load_target(options);
  if (!target) throw invalid_argument("predict: give --device (see `hwnas list devices`)");

  nlohmann::json costs = nlohmann::json::array();
  std::vector<std::vector<std::string>> rows = {{"cost", "value", "95 % interval", "origin"}};
  std::map<std::string, std::vector<double>> per_layer;
  for (const auto& model : cost_models_for(*target)) {
    const estimators::Estimate estimate = model->predict(network);
    costs.push_back(to_json(model->metric(), estimate));
    rows.push_back(table_row(model->metric(), estimate));
    // The table of layers has columns of its own for what is exact.
    if (!estimate.per_layer.empty() && estimate.origin != estimators::Origin::kExact)
      per_layer.emplace(model->metric(), estimate.per_layer);
  }
  if (const auto firmware = estimators::firmware_bytes(network, target->runtime)) {
    costs.push_back(to_json("firmware_bytes", *firmware));
    rows.push_back(table_row("firmware_bytes", *firmware));
  }
  if (invocation.json)
    print_json(
        {{"device", target->device.name}, {"runtime", target->runtime.name}, {"costs", costs}});
  else
    fmt::print("On {} with {}:\n{}\n{}Layers share the relative error of the whole.\n\n{}",
               target->device.name, target->runtime.name, format_table(rows), origins(*target),
               format_layers(network, per_layer));
}

}  // namespace

void add_predict(CLI::App& app, Invocation& invocation) {
  CLI::App* command = add_command(
      app,
      {"predict",
       "Predict what a network costs on a device, in all and per layer",
       {"hwnas predict configs/experiments/fashion_mnist_mcu.yaml --genotype "
        "1-1-1-0-0-0-0-1-0-0-1-0-0-0-0-0-0",
        "hwnas predict --network network.json --device stm32f746 --runtime tflite_micro"}},
      invocation);
  auto options = std::make_shared<Options>();
  add_space_options(*command, *options, false);
  add_device_options(*command, *options);
  command->add_option("--genotype", options->genotype, "As `hwnas space sample` prints it");
  command
      ->add_option("--network", options->network_file,
                   "Network file, as `hwnas space decode --json` prints it")
      ->type_name("FILE");
  command->callback([options, &invocation] { predict(*options, invocation); });
}

}  // namespace hwnas::cli
