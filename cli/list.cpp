#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/subject.hpp"
#include "cli/text_table.hpp"
#include "data/dataset.hpp"
#include "engine/config_files.hpp"
#include "engine/evaluator.hpp"
#include "estimators/cost_model.hpp"
#include "estimators/device.hpp"
#include "exporters/exporter.hpp"
#include "measurement/runner.hpp"
#include "search/strategy.hpp"
#include "spaces/search_space.hpp"

namespace hwnas::cli {
namespace {

struct Entry {
  std::string name;
  std::string summary;
};

template <typename Rows>
std::vector<Entry> entries_of(const Rows& rows) {
  std::vector<Entry> entries;
  for (const auto& row : rows) entries.push_back({std::string(row.name), std::string(row.summary)});
  return entries;
}

std::vector<Entry> list_cost_models() {
  std::vector<Entry> entries;
  for (const auto& row : estimators::cost_models())
    entries.push_back({std::string(row.metric), std::string(row.summary)});
  return entries;
}

std::vector<Entry> list_devices() {
  std::vector<Entry> entries;
  for (const std::string& name : engine::device_names(kExperiments)) {
    const auto device = estimators::load_device(engine::device_file(name, kExperiments));
    entries.push_back(
        {device.name, fmt::format("{} (runtimes: {})", device.summary, runtimes_of(device))});
  }
  return entries;
}

struct Kind {
  const char* name;
  std::vector<Entry> (*list)();
};
constexpr Kind kKinds[] = {
    {"strategies", [] { return entries_of(search::strategies()); }},
    {"spaces", [] { return entries_of(spaces::space_families()); }},
    {"devices", list_devices},
    {"cost-models", list_cost_models},
    {"evaluators", [] { return entries_of(engine::evaluators()); }},
    {"exporters", [] { return entries_of(exporters::exporters()); }},
    {"runners", [] { return entries_of(measurement::runners()); }},
    {"readers", [] { return entries_of(data::readers()); }},
};

std::vector<std::string> kind_names() {
  std::vector<std::string> names;
  for (const Kind& kind : kKinds) names.emplace_back(kind.name);
  return names;
}

void print_kind(const Kind& kind, bool with_title) {
  std::vector<std::vector<std::string>> rows;
  for (const Entry& entry : kind.list())
    rows.push_back({(with_title ? "  " : "") + entry.name, entry.summary});
  if (with_title) fmt::print("{}\n", kind.name);
  fmt::print("{}", format_table(rows));
}

void list(const std::string& only, const Invocation& invocation) {
  nlohmann::json json = nlohmann::json::object();
  for (const Kind& kind : kKinds) {
    if (!only.empty() && only != kind.name) continue;
    if (!invocation.json) {
      print_kind(kind, only.empty());
      continue;
    }
    json[kind.name] = nlohmann::json::array();
    for (const Entry& entry : kind.list())
      json[kind.name].push_back({{"name", entry.name}, {"summary", entry.summary}});
  }
  if (invocation.json) print_json(json);
}

}  // namespace

void add_list(CLI::App& app, Invocation& invocation) {
  CLI::App* command =
      add_command(app,
                  {"list",
                   "Show what an experiment can name: strategies, space families, devices, …",
                   {"hwnas list", "hwnas list devices", "hwnas list strategies --json"}},
                  invocation);
  auto kind = std::make_shared<std::string>();
  command->add_option("KIND", *kind, "Only this kind")->check(CLI::IsMember(kind_names()));
  command->callback([kind, &invocation] { list(*kind, invocation); });
}

}  // namespace hwnas::cli
