#include "engine/profile.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <set>
#include <span>

#include "core/error.hpp"
#include "core/file.hpp"
#include "engine/profile_files.hpp"
#include "engine/run_facts.hpp"
#include "estimators/cost_model.hpp"
#include "estimators/d_optimal.hpp"
#include "estimators/regressors.hpp"
#include "measurement/batch.hpp"
#include "measurement/journal.hpp"
#include "report/report.hpp"
#include "spaces/search_space.hpp"

namespace hwnas::engine {
namespace {

namespace fs = std::filesystem;

// Draws for one more network that is not among the chosen; a space with so few is used up.
constexpr int kDraws = 1000;
constexpr std::size_t kLeastLearned = 5;

/// "12.3 ms", "493 k instructions", or why there is no number.
std::string outcome_of(const measurement::Measurement& measurement) {
  if (!measurement.ok()) {
    return fmt::format("{}: {}", measurement::to_string(measurement.status), measurement.reason);
  }
  if (const auto latency = measured_latency(measurement)) {
    return fmt::format("{:.4g} ms {}", latency->value, estimators::to_string(latency->origin));
  }
  return fmt::format("{:.0f} instructions", measurement.instructions.value_or(0));
}

/// Different networks of the space, in the order of their draws.
std::vector<spaces::Genotype> different_networks(const spaces::SearchSpace& space, int count,
                                                 std::uint64_t seed) {
  Rng rng(seed);
  std::set<spaces::Genotype> known;
  std::vector<spaces::Genotype> chosen;
  for (int draw = 0; draw < kDraws && static_cast<int>(chosen.size()) < count; ++draw) {
    const spaces::Genotype genotype = space.canonical(spaces::sample(space, rng));
    if (!known.insert(genotype).second) continue;
    chosen.push_back(genotype);
    draw = 0;
  }
  return chosen;
}

class Profile {
 public:
  Profile(const ProfilePlan& plan, const ProfileOptions& options);
  ProfileResult run();

 private:
  ir::Network network_of(const ProfiledNetwork& profiled) const {
    return space_->decode(profiled.genotype);
  }
  void choose_networks();
  ProfiledNetwork described(const spaces::Genotype& genotype, bool held_back) const;
  std::vector<ProfiledNetwork> d_optimal_networks(std::vector<ProfiledNetwork> candidates) const;
  bool measure();
  std::vector<measurement::Artifact> export_networks();
  const ProfiledNetwork& typical_network() const;
  void report(std::size_t done, const std::string& message);
  std::vector<estimators::MeasuredNetwork> measured(bool held_back) const;
  void learn();
  std::vector<report::Calibration> calibrations() const;
  void write();

  const ProfilePlan& plan_;
  const ProfileOptions& options_;
  std::unique_ptr<spaces::SearchSpace> space_;
  std::unique_ptr<estimators::CostModel> rates_;
  ProfileResult result_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::size_t done_before_ = 0;  ///< measured by earlier attempts
};

Profile::Profile(const ProfilePlan& plan, const ProfileOptions& options)
    : plan_(plan), options_(options), space_(spaces::make_space(plan.space, plan.task)) {
  estimators::RuntimeProfile runtime = plan.device.device.runtime(plan.device.runtime);
  runtime.latency_model.reset();  // a profile starts from rates
  rates_ = estimators::make_cost_model("latency_ms", plan.device.device, runtime);
}

ProfileResult Profile::run() {
  choose_networks();
  if (!measure()) {
    result_.state = RunState::kInterrupted;
    return std::move(result_);
  }
  learn();
  write();
  return std::move(result_);
}

/// Those held back are a random sample. Those to learn from are, if they are few, a D-optimal
/// design for the rates, out of ten times as many: without the smallest and largest tenth, which
/// such a design would take first and which tell little of the networks between. A design for a
/// linear model misleads others, so more are a random sample, too.
void Profile::choose_networks() {
  const bool design = plan_.networks < estimators::kStackFrom;
  const int candidates = plan_.networks * (design ? 10 : 1);
  const std::vector<spaces::Genotype> drawn =
      different_networks(*space_, plan_.held_back + candidates, derive_seed(plan_.seed, {1}));
  const auto count = static_cast<std::size_t>(plan_.networks) + plan_.held_back;
  if (drawn.size() < count) {
    throw error(ErrorCode::kFailedPrecondition,
                "the space has only {} different networks that could be found, not {}: ask for "
                "fewer `networks`",
                drawn.size(), count);
  }
  std::vector<ProfiledNetwork> rest;
  for (const spaces::Genotype& genotype : std::span(drawn).subspan(plan_.held_back)) {
    rest.push_back(described(genotype, false));
  }
  result_.networks = design ? d_optimal_networks(std::move(rest)) : std::move(rest);
  for (const spaces::Genotype& genotype : std::span(drawn).first(plan_.held_back)) {
    result_.networks.push_back(described(genotype, true));
  }
  for (std::size_t i = 0; i < result_.networks.size(); ++i) {
    result_.networks[i].name = fmt::format("network_{}", i);
  }
}

ProfiledNetwork Profile::described(const spaces::Genotype& genotype, bool held_back) const {
  return {.name = {},
          .genotype = genotype,
          .held_back = held_back,
          .profile_ms = rates_->predict(space_->decode(genotype)).value,
          .measurement = {}};
}

std::vector<ProfiledNetwork> Profile::d_optimal_networks(
    std::vector<ProfiledNetwork> candidates) const {
  std::ranges::stable_sort(candidates, {}, &ProfiledNetwork::profile_ms);
  const std::size_t tenth = candidates.size() / 10;
  const bool can_trim = candidates.size() - 2 * tenth >= static_cast<std::size_t>(plan_.networks);
  const auto middle = can_trim ? std::span(candidates).subspan(tenth, candidates.size() - 2 * tenth)
                               : std::span(candidates);
  Eigen::MatrixXd terms(middle.size(), estimators::RateCorrection::kFactors);
  for (std::size_t i = 0; i < middle.size(); ++i) {
    const ir::Network network = network_of(middle[i]);
    // Errors are relative, so each network weighs what its latency does.
    terms.row(static_cast<Eigen::Index>(i)) =
        estimators::RateCorrection::terms(network, rates_->predict(network)) / middle[i].profile_ms;
  }
  const Eigen::MatrixXd nothing_known =
      0.01 * Eigen::MatrixXd::Identity(terms.cols(), terms.cols());
  std::vector<ProfiledNetwork> chosen;
  for (const int row : estimators::d_optimal(terms, plan_.networks, nothing_known)) {
    chosen.push_back(middle[row]);
  }
  return chosen;
}

std::vector<measurement::Artifact> Profile::export_networks() {
  std::vector<measurement::Artifact> artifacts;
  for (const ProfiledNetwork& profiled : result_.networks) {
    artifacts.push_back(export_untrained(network_of(profiled), profiled.name, plan_.measurement,
                                         options_.work / "artifacts"));
  }
  return artifacts;
}

/// False if it was interrupted.
bool Profile::measure() {
  claim_folder(options_.work, plan_.text);
  measurement::Journal journal(options_.work / "measurements.jsonl");
  done_before_ = journal.measurements().size();
  report(done_before_, "");
  measurement::BatchOptions options{
      .seed = derive_seed(plan_.seed, {2}),
      .reference = export_untrained(network_of(typical_network()), "reference", plan_.measurement,
                                    options_.work / "artifacts"),
      .reference_every = plan_.reference_every,
      .max_drift = plan_.max_drift,
      .recorded = journal.measurements()};
  std::size_t done = done_before_;
  options.record = [&](const measurement::Measurement& measurement) {
    journal.append(measurement);
    report(++done, fmt::format("{}: {}", measurement.network, outcome_of(measurement)));
  };
  const auto runner = measurement::make_runner(plan_.measurement.runner);
  try {
    const measurement::Batch batch =
        measurement::measure_all(*runner, export_networks(), options, options_.stop);
    for (std::size_t i = 0; i < result_.networks.size(); ++i) {
      result_.networks[i].measurement = batch.measurements[i];
    }
  } catch (const Error& failure) {
    if (failure.code() != ErrorCode::kCancelled) throw;
    return false;
  }
  fs::remove_all(options_.work / "artifacts");
  return true;
}

/// The one of median predicted latency.
const ProfiledNetwork& Profile::typical_network() const {
  std::vector<const ProfiledNetwork*> by_size;
  for (const ProfiledNetwork& profiled : result_.networks) by_size.push_back(&profiled);
  std::ranges::sort(by_size, {}, [](const auto* profiled) { return profiled->profile_ms; });
  return *by_size[by_size.size() / 2];
}

void Profile::report(std::size_t done, const std::string& message) {
  if (!options_.progress) return;
  const auto count = static_cast<double>(result_.networks.size());
  const std::size_t references = result_.networks.size() / plan_.reference_every + 2;
  const double all = count + static_cast<double>(references);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start_;
  Progress progress;
  progress.stage = "measure";
  progress.fraction = std::min(1.0, static_cast<double>(done) / all);
  progress.stage_seconds = seconds.count();
  if (done > done_before_) {
    const double each = seconds.count() / static_cast<double>(done - done_before_);
    progress.seconds_left = each * std::max(0.0, all - static_cast<double>(done));
  }
  progress.message = message;
  options_.progress(progress);
}

std::vector<estimators::MeasuredNetwork> Profile::measured(bool held_back) const {
  std::vector<estimators::MeasuredNetwork> networks;
  for (const ProfiledNetwork& profiled : result_.networks) {
    const auto latency = measured_latency(profiled.measurement);
    if (profiled.held_back != held_back || !latency) continue;
    const ir::Network network = network_of(profiled);
    networks.push_back({network, rates_->predict(network), latency->value});
  }
  return networks;
}

void Profile::learn() {
  const auto learned = measured(false);
  const auto judges = measured(true);
  if (learned.size() < kLeastLearned || judges.size() < 2) {
    const measurement::Measurement& first = result_.networks.front().measurement;
    throw error(
        ErrorCode::kFailedPrecondition,
        "only {} networks to learn from and {} to judge with have a measured latency, and 5 "
        "and 2 are needed; {}: {}",
        learned.size(), judges.size(), result_.networks.front().name,
        first.ok() ? "no latency, only instructions: give cycles_per_instruction"
                   : outcome_of(first));
  }
  const estimators::RuntimeProfile& runtime = plan_.device.device.runtime(plan_.device.runtime);
  result_.model = std::make_shared<estimators::LatencyModel>(
      estimators::fit_latency_model(learned, judges, runtime.latency_relative_sd.value));
  for (ProfiledNetwork& profiled : result_.networks) {
    const ir::Network network = network_of(profiled);
    const auto estimate = result_.model->predict(network, rates_->predict(network));
    profiled.predicted_ms = estimate.value;
    profiled.sd_ms = estimate.standard_deviation;
  }
  for (const estimators::MeasuredNetwork& each : judges) {
    result_.profile_mape +=
        std::abs(each.profile.value / each.measured_ms - 1) / static_cast<double>(judges.size());
  }
}

/// Of the networks held back.
std::vector<report::Calibration> Profile::calibrations() const {
  std::vector<report::Calibration> networks;
  for (const ProfiledNetwork& profiled : result_.networks) {
    const auto latency = measured_latency(profiled.measurement);
    if (!profiled.held_back || !latency) continue;
    report::Calibration& network = networks.emplace_back();
    network.name = profiled.name;
    network.predicted = {latency->name, profiled.predicted_ms, profiled.sd_ms,
                         estimators::Origin::kPredicted};
    network.measured = *latency;
  }
  return networks;
}

void Profile::write() {
  const std::string model = result_.model->to_text();
  const std::string model_name = plan_.name + ".latency.json";
  const estimators::ModelQuality& quality = result_.model->quality();
  const measurement::Measurement& first = result_.networks.front().measurement;
  const std::string source = fmt::format(
      "hwnas profile, {}: {} networks measured by '{}' with {}; {} held back: Spearman {:.3f}, "
      "{:.0f} "
      "% within 10 %",
      utc_now().substr(0, 10), quality.networks, first.runner, first.environment.cpu,
      quality.held_back, quality.agreement.spearman, 100 * quality.agreement.within_10);
  fs::create_directories(options_.to);
  result_.model_file = options_.to / model_name;
  result_.device_file = options_.to / (plan_.name + ".yaml");
  write_file_atomically(result_.model_file, model);
  write_file_atomically(result_.device_file, device_text(plan_, model_name, model, source));
  result_.picture_file = options_.to / (plan_.name + ".latency.svg");
  write_file_atomically(result_.picture_file, report::render_calibration_svg(calibrations()));
  estimators::load_device(result_.device_file);
}

}  // namespace

ProfileResult profile_device(const ProfilePlan& plan, const ProfileOptions& options) {
  return Profile(plan, options).run();
}

}  // namespace hwnas::engine
