#include "cli/portable_experiment.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <span>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/text.hpp"
#include "engine/config_files.hpp"
#include "engine/experiment.hpp"
#include "engine/experiment_sections.hpp"

namespace hwnas::cli {
namespace {

namespace fs = std::filesystem;
using Path = std::vector<std::string>;

constexpr const char* kTextField = "search_job.experiment";

bool is_before(Mark a, Mark b) {
  return std::pair(a.line, a.column) < std::pair(b.line, b.column);
}

/// The child that a step leads to; null if there is none.
const Config* child(const Config& node, const std::string& step) {
  if (node.kind() == Config::Kind::kMap) return node.find(step);
  if (node.kind() != Config::Kind::kList) return nullptr;
  const auto index = parse_integer(step);
  const bool there =
      index && *index >= 0 && *index < static_cast<std::int64_t>(node.items().size());
  return there ? &node.items()[static_cast<std::size_t>(*index)] : nullptr;
}

/// The way to the first node at or behind a place: faults are told at a value, or at a key whose
/// value comes next.
std::optional<Path> path_to(const Config& node, Mark place) {
  if (!is_before(node.mark(), place)) return Path();
  std::vector<std::string> steps;
  if (node.kind() == Config::Kind::kMap) steps = node.keys();
  if (node.kind() == Config::Kind::kList) {
    for (std::size_t i = 0; i < node.items().size(); ++i) steps.push_back(std::to_string(i));
  }
  for (const std::string& step : steps) {
    const Config* below = child(node, step);
    if (below == nullptr) continue;
    if (auto path = path_to(*below, place)) {
      path->insert(path->begin(), step);
      return path;
    }
  }
  return std::nullopt;
}

/// As far as the way goes.
const Config& walk(const Config& root, std::span<const std::string> path) {
  const Config* node = &root;
  for (const std::string& step : path) {
    const Config* below = child(*node, step);
    if (below == nullptr) break;
    node = below;
  }
  return *node;
}

/// "12:3: message" apart.
struct PlacedFault {
  Mark place;
  std::string message;
};
std::optional<PlacedFault> parse_fault(std::string_view text) {
  const std::size_t first = text.find(':');
  if (first == std::string_view::npos) return std::nullopt;
  const std::size_t second = text.find(": ", first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  const auto line = parse_integer(text.substr(0, first));
  const auto column = parse_integer(text.substr(first + 1, second - first - 1));
  if (!line || !column) return std::nullopt;
  return PlacedFault{{static_cast<int>(*line), static_cast<int>(*column)},
                     std::string(text.substr(second + 2))};
}

bool needs_files(const Config& profile) {
  const Config* runtimes = profile.find("runtimes");
  if (runtimes == nullptr || runtimes->kind() != Config::Kind::kList) return false;
  return std::ranges::any_of(runtimes->items(), [](const Config& runtime) {
    return runtime.kind() == Config::Kind::kMap && runtime.has("latency_model");
  });
}

/// The device's file, if its content is to be sent.
std::optional<Config> profile_to_send(const Config& device, const fs::path& folder) {
  if (device.kind() != Config::Kind::kMap || device.has("profile")) return std::nullopt;
  if (const Config* name = device.find("name")) {
    const auto known = engine::device_names(folder);
    if (std::ranges::find(known, name->as_string()) == known.end()) return std::nullopt;
  }
  engine::DeviceSection section = engine::read_device(device, folder);
  if (device.has("name") && needs_files(section.profile)) return std::nullopt;
  return std::move(section.profile);
}

}  // namespace

PortableExperiment::PortableExperiment(const fs::path& file, const std::vector<std::string>& sets)
    : config_(engine::load_with_sets(file, sets)) {
  origins_.emplace_back(Path(), config_);
  const fs::path folder = fs::absolute(file).parent_path();
  if (const Config& space = config_.at("space");
      space.kind() == Config::Kind::kMap && space.has("file")) {
    put_in_place({"space"}, engine::read_space(space, folder));
  }
  if (auto profile = profile_to_send(config_.at("device"), folder)) {
    const std::string runtime = config_.at("device").at("runtime").to_yaml();
    config_.set("device", "{}");
    config_.set("device.runtime", runtime);
    put_in_place({"device", "profile"}, std::move(*profile));
  }
  const bool as_it_is = origins_.size() == 1 && sets.empty();
  text_ = as_it_is ? read_file(file, Config::kMaxTextBytes) : config_.to_yaml();
}

void PortableExperiment::put_in_place(const Path& place, Config content) {
  config_.set(fmt::format("{}", fmt::join(place, ".")), content.to_yaml());
  origins_.emplace_back(place, std::move(content));
}

const Config& PortableExperiment::origin_of(int line, int column) const {
  const Config sent = Config::parse(text_, "experiment");
  const Path path = path_to(sent, {line, column}).value_or(Path());
  for (auto origin = origins_.rbegin(); origin != origins_.rend(); ++origin) {
    const auto& [place, content] = *origin;
    const bool above = path.size() >= place.size() &&
                       std::ranges::equal(place, std::span(path).first(place.size()));
    if (above) return walk(content, std::span(path).subspan(place.size()));
  }
  return origins_.front().second;
}

Error PortableExperiment::at_home(const client::CallError& refusal) const {
  std::vector<std::string> faults;
  for (const client::FieldViolation& violation : refusal.violations()) {
    if (!violation.field.starts_with(kTextField)) continue;
    const auto fault = parse_fault(violation.description);
    if (!fault) continue;
    try {
      origin_of(fault->place.line, fault->place.column).fail(fault->message);
    } catch (const Error& placed) {
      faults.emplace_back(placed.what());
    }
  }
  if (faults.empty()) return refusal;
  return invalid_argument("{}", fmt::join(faults, "\nhwnas: "));
}

}  // namespace hwnas::cli
