#include "engine/profile_files.hpp"

#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/sha256.hpp"

namespace hwnas::engine {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kMaxPlanBytes = Config::kMaxTextBytes * 2;

/// Every text that stands for a source somewhere below.
void collect_sources(const Config& config, std::set<std::string>& cited) {
  if (config.kind() == Config::Kind::kList) {
    for (const Config& item : config.items()) collect_sources(item, cited);
  }
  if (config.kind() != Config::Kind::kMap) return;
  for (const std::string& key : config.keys()) {
    const Config& value = config.at(key);
    if (key == "source" && value.kind() == Config::Kind::kScalar) cited.insert(value.as_string());
    if (key != "sources") collect_sources(value, cited);
  }
}

std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump();
}

/// A map's text as the only item of a list.
std::string as_list(const std::string& yaml) {
  std::istringstream lines(yaml);
  std::string list;
  for (std::string line; std::getline(lines, line);) {
    list += (list.empty() ? "- " : "  ") + line + "\n";
  }
  return list;
}

}  // namespace

void claim_folder(const fs::path& folder, const std::string& plan) {
  const fs::path file = folder / "plan.yaml";
  fs::create_directories(folder);
  if (!fs::exists(file)) {
    write_file_atomically(file, plan);
  } else if (read_file(file, kMaxPlanBytes) != plan) {
    throw error(ErrorCode::kAlreadyExists,
                "{}: the folder holds measurements of another plan; choose another, or remove it",
                folder.string());
  }
}

Config with_latency_model(const Config& profile, const std::string& runtime,
                          const std::string& model_file, const std::string& model_text,
                          const std::string& source) {
  Config device = profile;
  for (Config item : profile.at("runtimes").items()) {
    if (item.at("name").as_string() != runtime) continue;
    item.set("latency_model", "{}");
    item.set("latency_model.file", quoted(model_file));
    item.set("latency_model.sha256", quoted(sha256(model_text)));
    item.set("latency_model.source", quoted(source));
    device.set("runtimes", as_list(item.to_yaml()));
  }
  if (const Config* sources = profile.find("sources")) {
    std::set<std::string> cited;
    collect_sources(device, cited);
    device.set("sources", "{}");
    for (const std::string& key : sources->keys()) {
      if (cited.contains(key)) device.set("sources." + key, quoted(sources->at(key).as_string()));
    }
  }
  return device;
}

std::string device_text(const ProfilePlan& plan, const std::string& model_file,
                        const std::string& model_text, const std::string& source) {
  Config device =
      with_latency_model(plan.device.profile, plan.device.runtime, model_file, model_text, source);
  device.set("name", quoted(plan.name));
  if (!plan.summary.empty()) device.set("summary", quoted(plan.summary));
  return device.to_yaml();
}

}  // namespace hwnas::engine
