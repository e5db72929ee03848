#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/format.hpp"
#include "cli/layer_table.hpp"
#include "cli/subject.hpp"
#include "cli/text_table.hpp"
#include "core/rng.hpp"
#include "search/cost_range.hpp"

namespace hwnas::cli {
namespace {

struct Options : SubjectOptions {
  std::string genotype;
  int count = 5;
  std::uint64_t seed = 0;
};

using CostRanges = std::vector<std::pair<std::string, search::CostRange>>;

/// With a device, the range of each of its costs; without, of those that need none.
CostRanges cost_ranges(const Options& options, const spaces::SearchSpace& space) {
  CostRanges ranges;
  const auto add = [&](std::string_view metric, const auto& cost) {
    ranges.emplace_back(metric, search::cost_range(space, cost, options.seed));
  };
  const std::optional<Target> target = load_target(options);
  if (!target) {
    add("macs", [](const ir::Network& network) { return ir::macs(network); });
    add("parameters", [](const ir::Network& network) { return ir::parameters(network); });
    return ranges;
  }
  for (const auto& model : cost_models_for(*target))
    add(model->metric(), [&](const ir::Network& network) { return model->predict(network).value; });
  return ranges;
}

nlohmann::json to_json(const SubjectSpace& subject, const CostRanges& ranges) {
  nlohmann::json json = {{"input", to_text(subject.task.input)},
                         {"classes", subject.task.classes},
                         {"log10_size", spaces::log10_size(*subject.space)},
                         {"decisions", nlohmann::json::array()},
                         {"costs", nlohmann::json::object()}};
  for (const auto& decision : subject.space->decisions())
    json["decisions"].push_back(
        {{"name", decision.name}, {"options", decision.options}, {"ordered", decision.ordered}});
  for (const auto& [metric, range] : ranges)
    json["costs"][metric] = {{"min", range.min},
                             {"max", range.max},
                             {"argmin", spaces::to_string(range.argmin)},
                             {"argmax", spaces::to_string(range.argmax)},
                             {"exact", range.exact}};
  return json;
}

void describe(const Options& options, const Invocation& invocation) {
  const SubjectSpace subject = load_space(options);
  const CostRanges ranges = cost_ranges(options, *subject.space);
  if (invocation.json) return print_json(to_json(subject, ranges));

  const double log10_size = spaces::log10_size(*subject.space);
  fmt::print("{} genotypes, for input {} and {} classes\n\n",
             log10_size < 6 ? fmt::format("{:.0f}", std::pow(10, log10_size))
                            : fmt::format("10^{:.1f}", log10_size),
             to_text(subject.task.input), subject.task.classes);
  std::vector<std::vector<std::string>> rows = {{"decision", "options"}};
  for (const auto& decision : subject.space->decisions())
    rows.push_back({decision.name, fmt::format("{}", fmt::join(decision.options, " | "))});
  fmt::print("{}\n", format_table(rows));

  rows = {{"cost", "smallest", "largest"}};
  for (const auto& [metric, range] : ranges)
    rows.push_back({metric, format_number(range.min), format_number(range.max)});
  fmt::print("{}", format_table(rows));
  if (std::ranges::any_of(ranges, [](const auto& row) { return !row.second.exact; }))
    fmt::print("Found by descent: the true ranges may be wider.\n");
}

void sample(const Options& options, const Invocation& invocation) {
  const SubjectSpace subject = load_space(options);
  Rng rng(options.seed);
  nlohmann::json json = nlohmann::json::array();
  for (int i = 0; i < options.count; ++i) {
    const auto genotype = subject.space->canonical(spaces::sample(*subject.space, rng));
    const auto description = spaces::describe(*subject.space, genotype);
    if (invocation.json)
      json.push_back({{"genotype", spaces::to_string(genotype)}, {"description", description}});
    else
      fmt::print("{}  {}\n", spaces::to_string(genotype), description);
  }
  if (invocation.json) print_json(json);
}

void decode(const Options& options, const Invocation& invocation) {
  const SubjectSpace subject = load_space(options);
  const auto network = subject.space->decode(spaces::genotype_from_string(options.genotype));
  if (invocation.json)
    print_json(ir::to_json(network));
  else
    fmt::print("{}", format_layers(network, {}));
}

CLI::App* add_subcommand(CLI::App& parent, const CommandText& text, Options& options,
                         Invocation& invocation) {
  CLI::App* command = add_command(parent, text, invocation);
  add_space_options(*command, options, true);
  return command;
}

}  // namespace

void add_space(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<Options>();
  CLI::App* parent = app.add_subcommand("space", "Look into a search space");
  parent->require_subcommand(1);

  CLI::App* command = add_subcommand(
      *parent,
      {"describe",
       "Its decisions, its size, and the range of its costs",
       {"hwnas space describe configs/experiments/fashion_mnist_mcu.yaml",
        "hwnas space describe configs/spaces/mobile_mcu.yaml --input 3x32x32 --classes 10 --device "
        "stm32f746"}},
      *options, invocation);
  add_device_options(*command, *options);
  command->callback([options, &invocation] { describe(*options, invocation); });

  command = add_subcommand(
      *parent,
      {"sample",
       "Genotypes drawn uniformly",
       {"hwnas space sample configs/experiments/fashion_mnist_mcu.yaml --count 3 --seed 1"}},
      *options, invocation);
  command->add_option("--count", options->count, "How many")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  command->add_option("--seed", options->seed, "Seed")->capture_default_str();
  command->callback([options, &invocation] { sample(*options, invocation); });

  command = add_subcommand(
      *parent,
      {"decode",
       "The network of a genotype: a table of its layers, or with --json what predict reads",
       {"hwnas space decode experiment.yaml 0-2-1-3",
        "hwnas space decode experiment.yaml 0-2-1-3 "
        "--json > network.json"}},
      *options, invocation);
  command->add_option("GENOTYPE", options->genotype, "As `hwnas space sample` prints it")
      ->required();
  command->callback([options, &invocation] { decode(*options, invocation); });
}

}  // namespace hwnas::cli
