#include "engine/experiment.hpp"

#include <algorithm>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>
#include <regex>

#include "compression/pass.hpp"
#include "core/error.hpp"
#include "engine/evaluator.hpp"
#include "engine/experiment_sections.hpp"
#include "estimators/cost_model.hpp"
#include "exporters/exporter.hpp"
#include "search/strategy.hpp"

namespace hwnas::engine {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMaxSeed = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t kMaxObjectives = 3;  // exact hypervolume goes no further

std::vector<std::string> cost_metrics() {
  std::vector<std::string> metrics;
  for (const auto& model : estimators::cost_models()) metrics.emplace_back(model.metric);
  return metrics;
}

/// As YAML, in double quotes.
std::string yaml_quoted(const std::string& text) {
  return nlohmann::json(text).dump();
}

/// "maximize val_top1"
Objective read_objective(const Config& config, const std::vector<std::string>& metrics) {
  static const std::regex kObjective(R"((maximize|minimize)\s+(\S+))");
  const std::string text = config.as_string();
  std::smatch match;
  if (!std::regex_match(text, match, kObjective)) {
    config.fail("'" + text + "' is not an objective: 'maximize METRIC' or 'minimize METRIC'");
  }
  return {known_name(config, "metric", match[2], metrics), match[1] == "maximize"};
}

std::vector<Objective> read_objectives(const Config& config,
                                       const std::vector<std::string>& metrics) {
  std::vector<Objective> objectives;
  for (const Config& item : config.items()) {
    objectives.push_back(read_objective(item, metrics));
    const auto same = [&](const Objective& o) { return o.metric == objectives.back().metric; };
    if (std::ranges::count_if(objectives, same) > 1) {
      item.fail("'" + objectives.back().metric + "' is an objective already");
    }
  }
  if (objectives.empty() || objectives.size() > kMaxObjectives) {
    config.fail("give 1 to 3 objectives");
  }
  return objectives;
}

/// 64000, or { at_most: 5, confidence: 0.9 }
Limit read_limit(const std::string& metric, const Config& config) {
  constexpr double kMin = 1e-9;
  constexpr double kMax = 1e18;
  if (config.kind() != Config::Kind::kMap) return {metric, config.as_double(kMin, kMax)};
  config.require_known_keys({"at_most", "confidence"});
  return {metric, config.at("at_most").as_double(kMin, kMax),
          config.at("confidence").as_double(0.5, 0.999)};
}

std::vector<Limit> read_limits(const Config& config, const std::vector<std::string>& of_evaluator) {
  std::vector<Limit> limits;
  for (const std::string& metric : config.keys()) {
    const Config& bound = config.at(metric);
    known_name(bound, "cost", metric, cost_metrics());
    if (std::ranges::find(of_evaluator, metric) != of_evaluator.end()) {
      bound.fail("the evaluator gives '" + metric +
                 "': limits are on costs that are known before the evaluation");
    }
    limits.push_back(read_limit(metric, bound));
  }
  return limits;
}

/// A space of two points: lets a strategy check its options before the real space can be built.
class TwoPoints final : public spaces::SearchSpace {
 public:
  std::span<const spaces::Decision> decisions() const override { return {&decision_, 1}; }
  ir::Network decode(const spaces::Genotype&) const override { return {}; }

 private:
  spaces::Decision decision_{"choice", {"0", "1"}, false};
};

void read_search(const Config& config, Experiment& experiment) {
  const auto strategies = search::strategies();
  const auto& strategy = strategies[config.at("strategy").as_one_of(names_of(strategies))];
  std::vector<std::string> known{"strategy", "trials", "minutes", "window", "max_infeasible"};
  known.insert(known.end(), strategy.option_names.begin(), strategy.option_names.end());
  config.require_known_keys(known);
  search::make_strategy(TwoPoints(), experiment.objectives.size(), 0, config);
  experiment.search = config;
  experiment.trials = static_cast<std::size_t>(config.at("trials").as_int(1, 10'000'000));
  if (const Config* minutes = config.find("minutes")) {
    experiment.search_minutes = minutes->as_double(1e-3, 1e6);
  }
  experiment.window = static_cast<std::size_t>(config.int_or("window", 4, 1, 4096));
  experiment.max_infeasible =
      static_cast<std::size_t>(config.int_or("max_infeasible", 10'000, 1, 10'000'000));
}

FinalistOptions read_finalists(const Config& config) {
  std::vector<std::string> known = train::train_option_names();
  known.insert(known.end(), {"count", "inherit", "distillation_weight"});
  config.require_known_keys(known);
  const FinalistOptions defaults;
  return {static_cast<int>(config.at("count").as_int(0, 100)),
          train::train_options_from_config(config), config.bool_or("inherit", defaults.inherit),
          config.double_or("distillation_weight", defaults.distillation_weight, 0, 1)};
}

void read_rank_check(const Config& check, SupernetSection& section) {
  std::vector<std::string> known = train::train_option_names();
  known.insert(known.end(), {"networks", "least_tau"});
  check.require_known_keys(known);
  section.check_networks = static_cast<int>(check.at("networks").as_int(5, 10'000));
  section.least_tau = check.at("least_tau").as_double(-1, 1);
  section.check_training = train::train_options_from_config(check);
}

SupernetSection read_supernet(const Config& config) {
  std::vector<std::string> known = train::supernet_option_names();
  known.insert(known.end(), {"rank_check", "few_shot"});
  config.require_known_keys(known);
  SupernetSection section{.options = train::supernet_options_from_config(config)};
  if (const Config* check = config.find("rank_check")) read_rank_check(*check, section);
  if (const Config* few_shot = config.find("few_shot")) {
    if (section.check_networks == 0) {
      few_shot->fail("only a failed rank check splits the supernet: give supernet.rank_check");
    }
    few_shot->require_known_keys(train::train_option_names());
    few_shot->at("epochs");  // the supernet's own would multiply the time
    section.few_shot = train::train_options_from_config(*few_shot, section.options.training);
  }
  return section;
}

std::vector<std::string> read_exports(const Config& config) {
  std::vector<std::string> formats;
  for (const Config& item : config.items()) {
    const std::string format =
        known_name(item, "format", item.as_string(), names_of(exporters::exporters()));
    if (std::ranges::find(formats, format) != formats.end()) {
      item.fail("'" + format + "' is exported already");
    }
    formats.push_back(format);
  }
  return formats;
}

void read_data(const Config& config, Experiment& experiment) {
  std::vector<std::string> names = names_of(data::readers());
  names.emplace_back("none");
  experiment.data = config;
  if (known_name(config.at("name"), "data set", config.at("name").as_string(), names) == "none") {
    config.require_known_keys({"name", "input", "classes"});
    experiment.task_without_data = read_task(config);
    return;
  }
}

/// Where and with how many threads; absent keys keep the defaults.
void read_execution(const Config& config, Experiment& experiment) {
  config.require_known_keys({"workers", "threads"});
  experiment.workers = static_cast<int>(config.int_or("workers", 1, 1, 1024));
  experiment.threads_per_worker = static_cast<int>(config.int_or("threads", 1, 1, 1024));
}

/// What one section alone cannot know.
void check_together(const Config& config, const Experiment& experiment) {
  const bool scored = find_evaluator(experiment.evaluator).needs_supernet;
  if (scored && !experiment.supernet) {
    config.at("evaluator").fail("it scores with a supernet: give the section 'supernet'");
  }
  if (!scored && experiment.supernet) {
    config.at("supernet").fail("nothing uses it: give 'evaluator: { name: supernet }'");
  }
  if (experiment.differentiable && !experiment.supernet) {
    config.at("differentiable")
        .fail("it scores networks with shared weights: give the section 'supernet'");
  }
  const bool no_data = experiment.task_without_data.has_value();
  if (no_data && find_evaluator(experiment.evaluator).needs_data) {
    config.at("data").fail("the evaluator trains, so it needs data");
  }
  if (no_data && experiment.finalists.count > 0) {
    config.at("finalists").fail("finalists are trained, which needs data");
  }
  if (!experiment.compression.empty() && experiment.finalists.count == 0) {
    config.at("compression")
        .fail("only a trained finalist can be compressed: give finalists.count");
  }
  for (std::size_t i = 0; i < experiment.exports.size(); ++i) {
    const auto format = std::ranges::find(exporters::exporters(), experiment.exports[i],
                                          &exporters::ExporterInfo::name);
    if (format->needs_integers && experiment.compression.empty()) {
      config.at("export").items()[i].fail(
          "'" + experiment.exports[i] +
          "' is an integer format: give a compression pass, such as "
          "compression: [ { pass: quantize } ]");
    }
  }
  if (!experiment.exports.empty() && experiment.finalists.count == 0) {
    config.at("export").fail("only a trained finalist can be exported: give finalists.count");
  }
}

/// The document with the files that it names put in their places.
Config self_contained(Config config, const Config& space, const Config& profile) {
  const std::string runtime = config.at("device").at("runtime").as_string();
  config.set("space", space.to_yaml());
  config.set("device", "{}");
  config.set("device.profile", profile.to_yaml());
  config.set("device.runtime", yaml_quoted(runtime));
  return config;
}

/// Reads the sections one after the other.
class ExperimentReader {
 public:
  /// `faults`: takes the messages of all faults, one a section at most; null: the first is thrown.
  ExperimentReader(const Config& config, const fs::path& folder, std::vector<std::string>* faults)
      : config_(config), faults_(faults) {
    experiment_.folder = fs::absolute(folder).lexically_normal();
  }

  Experiment read(const std::string& latency_model) {
    checked([&] {
      config_.require_known_keys({"version", "name", "seed", "data", "validation_fraction", "space",
                                  "device", "objectives", "limits", "search", "supernet",
                                  "differentiable", "evaluator", "measurement", "finalists",
                                  "compression", "export", "execution"});
    });
    DeviceSection device;
    read_problem(device, latency_model);
    read_evaluation();
    read_products();
    // With faults elsewhere, what belongs together has not all been read.
    if (faults_ != nullptr && !faults_->empty()) return std::move(experiment_);
    checked([&] { check_together(config_, experiment_); });
    experiment_.config = self_contained(config_, experiment_.space, device.profile);
    return std::move(experiment_);
  }

 private:
  /// False if the section's fault has been taken down.
  template <typename Read>
  bool checked(const Read& read) {
    if (faults_ == nullptr) {
      read();
      return true;
    }
    try {
      read();
      return true;
    } catch (const Error& fault) {
      faults_->emplace_back(fault.what());
      return false;
    }
  }
  /// The same for a section that may be left out.
  template <typename Read>
  void checked_if_there(const char* key, const Read& read) {
    if (const Config* section = config_.find(key)) checked([&] { read(*section); });
  }

  void read_problem(DeviceSection& device, const std::string& latency_model) {
    checked([&] { config_.at("version").as_int(1, 1); });
    checked([&] { experiment_.name = read_name(config_.at("name")); });
    checked([&] {
      experiment_.seed = static_cast<std::uint64_t>(config_.int_or("seed", 0, 0, kMaxSeed));
    });
    checked([&] { read_data(config_.at("data"), experiment_); });
    checked([&] {
      experiment_.validation_fraction = config_.double_or("validation_fraction", 0.1, 0.001, 0.9);
    });
    checked([&] { experiment_.space = read_space(config_.at("space"), experiment_.folder); });
    checked([&] {
      device = read_device(config_.at("device"), experiment_.folder, latency_model);
      experiment_.device = std::move(device.device);
      experiment_.runtime = std::move(device.runtime);
      experiment_.latency_model = std::move(device.latency_model);
    });
  }

  /// What follows is in terms of what the evaluator measures.
  void read_evaluation() {
    std::vector<std::string> evaluated;
    const bool known = checked([&] {
      experiment_.evaluator = config_.at("evaluator");
      evaluated = find_evaluator(experiment_.evaluator).metrics(experiment_.evaluator);
    });
    checked_if_there("supernet", [&](const Config& supernet) {
      experiment_.supernet = read_supernet(supernet);
    });
    checked_if_there("differentiable", [&](const Config& differentiable) {
      experiment_.differentiable = DifferentiableSection::from_config(differentiable);
    });
    if (!known) return;
    std::vector<std::string> metrics = evaluated;
    std::ranges::copy(cost_metrics(), std::back_inserter(metrics));
    const bool aimed = checked(
        [&] { experiment_.objectives = read_objectives(config_.at("objectives"), metrics); });
    checked_if_there("limits", [&](const Config& limits) {
      experiment_.limits = read_limits(limits, evaluated);
    });
    if (aimed) checked([&] { read_search(config_.at("search"), experiment_); });
    checked_if_there("measurement", [&](const Config& measurement) {
      experiment_.measurement = MeasurementOptions::from_config(measurement);
      if (std::ranges::find(evaluated, "latency_ms") != evaluated.end()) {
        measurement.fail("the evaluator gives 'latency_ms' already");
      }
    });
  }

  void read_products() {
    checked_if_there("finalists", [&](const Config& finalists) {
      experiment_.finalists = read_finalists(finalists);
    });
    checked_if_there("compression", [&](const Config& passes) {
      experiment_.compression = passes.items();
      for (const Config& pass : experiment_.compression) compression::make_pass(pass);
    });
    checked_if_there("export",
                     [&](const Config& exports) { experiment_.exports = read_exports(exports); });
    checked_if_there("execution",
                     [&](const Config& execution) { read_execution(execution, experiment_); });
  }

  const Config& config_;
  std::vector<std::string>* faults_;
  Experiment experiment_;
};

}  // namespace

Experiment Experiment::parse(const Config& config, const fs::path& folder,
                             const std::string& latency_model) {
  return ExperimentReader(config, folder, nullptr).read(latency_model);
}

std::vector<std::string> Experiment::faults(const Config& config, const fs::path& folder) {
  std::vector<std::string> faults;
  try {
    ExperimentReader(config, folder, &faults).read({});
  } catch (const Error& fault) {
    faults.emplace_back(fault.what());  // no map at all
  }
  return faults;
}

Config load_with_sets(const fs::path& file, const std::vector<std::string>& sets) {
  Config config = Config::load(file);
  for (const std::string& set : sets) {
    const std::size_t equals = set.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw invalid_argument("--set '{}' is not of the form key=value", set);
    }
    config.set(set.substr(0, equals), set.substr(equals + 1));
  }
  return config;
}

Experiment Experiment::load(const fs::path& file, const std::vector<std::string>& sets) {
  return parse(load_with_sets(file, sets), fs::absolute(file).parent_path());
}

}  // namespace hwnas::engine
