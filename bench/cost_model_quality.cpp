// How well cost models learn devices from few measurements, on published tables:
//   cost_model_quality --figure help_nb201_10
//   cost_model_quality --space nasbench201 --table FILE.csv[.gz] --sources A,B --targets C,D
//                      --samples 5,10 --seeds 30 --model bayes_linear --protocol help [--json]
// With --figure the last line is the figure of docs/cost_models.md.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>

#include "bench/cost_figures.hpp"
#include "bench/learners.hpp"
#include "core/error.hpp"

namespace hwnas::bench {
namespace {

using estimators::Agreement;

struct Column {
  const char* name;
  double Agreement::*member;
};
constexpr Column kColumns[] = {
    {"spearman", &Agreement::spearman},   {"kendall", &Agreement::kendall},
    {"mape", &Agreement::mape},           {"within_5", &Agreement::within_5},
    {"within_10", &Agreement::within_10}, {"coverage_90", &Agreement::coverage_90}};

double mean_seconds(const DeviceQuality& quality) {
  return std::accumulate(quality.fit_seconds.begin(), quality.fit_seconds.end(), 0.0) /
         static_cast<double>(quality.fit_seconds.size());
}

std::map<int, std::vector<DeviceQuality>> by_samples(const std::vector<DeviceQuality>& qualities) {
  std::map<int, std::vector<DeviceQuality>> groups;
  for (const DeviceQuality& quality : qualities) groups[quality.samples].push_back(quality);
  return groups;
}

template <typename Quality>
void print_row(const std::string& device, const Quality& quality) {
  fmt::print("{:<42}", device);
  for (const Column& column : kColumns) {
    const DrawStatistic s = over_draws(quality, column.member);
    fmt::print("  {:.3f} ±{:.3f}", s.mean, s.standard_deviation);
  }
  const DrawStatistic rho = over_draws(quality, &Agreement::spearman);
  fmt::print("  {:.3f}", rho.worst);
}

void print_text(const std::vector<DeviceQuality>& qualities) {
  fmt::print("Mean ± standard deviation over {} draws.\n", qualities.front().draws.size());
  for (const auto& [samples, group] : by_samples(qualities)) {
    fmt::print("\n{:<42}", fmt::format("{} measurements", samples));
    for (const Column& column : kColumns) fmt::print("  {:<12}", column.name);
    fmt::print("  worst spearman  fit_seconds\n");
    double seconds = 0;
    for (const DeviceQuality& quality : group) {
      print_row(quality.device, quality);
      fmt::print("           {:.2e}\n", mean_seconds(quality));
      seconds += mean_seconds(quality) / static_cast<double>(group.size());
    }
    print_row("mean", group);
    fmt::print("           {:.2e}\n", seconds);
  }
}

void print_json(const std::vector<DeviceQuality>& qualities) {
  nlohmann::json rows = nlohmann::json::array();
  for (const DeviceQuality& quality : qualities) {
    nlohmann::json row = {{"device", quality.device},
                          {"samples", quality.samples},
                          {"draws", quality.draws.size()},
                          {"fit_seconds", mean_seconds(quality)}};
    for (const Column& column : kColumns) {
      const DrawStatistic s = over_draws(quality, column.member);
      row[column.name] = {
          {"mean", s.mean}, {"standard_deviation", s.standard_deviation}, {"smallest", s.worst}};
    }
    rows.push_back(std::move(row));
  }
  std::cout << rows.dump(2) << '\n';
}

std::filesystem::path default_data() {
  const char* const folder = std::getenv("HWNAS_DATA");
  return folder != nullptr ? folder : HWNAS_SOURCE_DIR "/../shared/data";
}

struct Arguments {
  QualityOptions options;
  std::filesystem::path data = default_data();
  std::string figure;
  std::string protocol = "help";
  bool json = false;
};

void declare(CLI::App& app, Arguments& arguments) {
  QualityOptions& options = arguments.options;
  app.add_option("--data", arguments.data, "folder of help/, latbench/, … for --figure");
  auto* figure = app.add_option("--figure", arguments.figure, "a figure of docs/cost_models.md");
  auto* space = app.add_option("--space", options.space, "nasbench201 or fbnet");
  space->excludes(figure);
  const auto needs_space = [&](CLI::Option* option) { return option->needs(space); };
  needs_space(app.add_option("--table", options.tables, "CSV or CSV.gz, a column a device"));
  needs_space(app.add_option("--genotype-column", options.genotype_column, "joins the tables"));
  needs_space(app.add_option("--sources", options.sources, "devices known before")->delimiter(','));
  needs_space(app.add_option("--targets", options.targets, "devices to learn")->delimiter(','));
  needs_space(app.add_option("--samples", options.samples, "measurements")
                  ->delimiter(',')
                  ->check(CLI::PositiveNumber));
  needs_space(app.add_option("--protocol", arguments.protocol, "help or breadth"));
  app.add_option("--model", options.model, "what learns the device");
  app.add_option("--seeds", options.draws, "draws of measurements")->check(CLI::Range(1, 10'000));
  app.add_flag("--json", arguments.json, "print JSON");
}

int run(const Arguments& arguments, bool has_model, bool has_seeds) {
  QualityOptions options = arguments.options;
  std::string (*line)(const std::vector<DeviceQuality>&) = nullptr;
  if (!arguments.figure.empty()) {
    const CostFigure figure = cost_figure(arguments.figure, arguments.data);
    options = figure.options;
    if (has_model) options.model = arguments.options.model;
    if (has_seeds) options.draws = arguments.options.draws;
    line = figure.line;
    if (!std::filesystem::exists(options.tables.front())) {
      fmt::print("skipped: no {}; set HWNAS_DATA\n", options.tables.front().string());
      return 0;
    }
  } else {
    options.protocol = protocol_of(arguments.protocol);
    if (options.tables.empty() || options.targets.empty() || options.samples.empty()) {
      fmt::print(stderr,
                 "cost_model_quality: give --figure, or --space with --table, --targets "
                 "and --samples\n");
      return 2;
    }
  }
  const std::vector<DeviceQuality> qualities = measure_quality(options);
  arguments.json ? print_json(qualities) : print_text(qualities);
  if (line != nullptr && !arguments.json) fmt::print("\n{}\n", line(qualities));
  return 0;
}

}  // namespace
}  // namespace hwnas::bench

int main(int argc, char** argv) {
  CLI::App app("How well cost models learn devices from few measurements");
  hwnas::bench::Arguments arguments;
  arguments.options.model = "bayes_linear";
  hwnas::bench::declare(app, arguments);
  CLI11_PARSE(app, argc, argv);
  try {
    return hwnas::bench::run(arguments, app.count("--model") > 0, app.count("--seeds") > 0);
  } catch (const hwnas::Error& e) {
    fmt::print(stderr, "cost_model_quality: {}\n", e.what());
    return 1;
  }
}
