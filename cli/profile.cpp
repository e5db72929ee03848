#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/format.hpp"
#include "cli/interrupt.hpp"
#include "cli/progress.hpp"
#include "cli/text_table.hpp"
#include "engine/profile.hpp"
#include "estimators/measured_costs.hpp"

namespace hwnas::cli {
namespace {

struct Options {
  std::string plan;
  std::string work;
  std::string to;
};

nlohmann::json to_json(const engine::ProfiledNetwork& profiled) {
  nlohmann::json json = {{"name", profiled.name},
                         {"genotype", spaces::to_string(profiled.genotype)},
                         {"held_back", profiled.held_back},
                         {"profile_ms", profiled.profile_ms},
                         {"predicted_ms", profiled.predicted_ms},
                         {"standard_deviation_ms", profiled.sd_ms},
                         {"measurement", measurement::to_json(profiled.measurement)}};
  return json;
}

nlohmann::json to_json(const engine::ProfileResult& result) {
  const estimators::ModelQuality& quality = result.model->quality();
  nlohmann::json networks = nlohmann::json::array();
  for (const auto& profiled : result.networks) networks.push_back(to_json(profiled));
  return {{"model", result.model->name()},
          {"networks", quality.networks},
          {"held_back", quality.held_back},
          {"spearman", quality.agreement.spearman},
          {"mape", quality.agreement.mape},
          {"within_10", quality.agreement.within_10},
          {"coverage_90", quality.agreement.coverage_90},
          {"profile_mape", result.profile_mape},
          {"device_file", result.device_file.string()},
          {"model_file", result.model_file.string()},
          {"picture_file", result.picture_file.string()},
          {"measurements", networks}};
}

void print_result(const engine::ProfileResult& result) {
  std::vector<std::vector<std::string>> rows = {
      {"held back", "measured ms", "predicted ms", "90 % interval", "error"}};
  for (const engine::ProfiledNetwork& profiled : result.networks) {
    const auto latency = engine::measured_latency(profiled.measurement);
    if (!profiled.held_back || !latency) continue;
    const double half = estimators::kNormal95 * profiled.sd_ms;
    rows.push_back({profiled.name, format_number(latency->value),
                    format_number(profiled.predicted_ms),
                    fmt::format("{} to {}", format_number(profiled.predicted_ms - half),
                                format_number(profiled.predicted_ms + half)),
                    fmt::format("{:+.1f} %", 100 * (profiled.predicted_ms / latency->value - 1))});
  }
  const estimators::ModelQuality& quality = result.model->quality();
  const estimators::Agreement& agreement = quality.agreement;
  fmt::print("{}\n", format_table(rows));
  fmt::print(
      "Model '{}' from {} networks; on {} it had not seen: mean error {:.1f} % (before: {:.1f} %), "
      "Spearman {:.3f}, {:.0f} % within 10 %, {:.0f} % inside the 90 % interval\n{}\n{}\n{}\n",
      result.model->name(), quality.networks, quality.held_back, 100 * agreement.mape,
      100 * result.profile_mape, agreement.spearman, 100 * agreement.within_10,
      100 * agreement.coverage_90, result.device_file.string(), result.model_file.string(),
      result.picture_file.string());
}

void profile(const Options& options, Invocation& invocation) {
  const auto plan = engine::ProfilePlan::load(options.plan);
  ProgressView view([](std::string_view text) { std::fwrite(text.data(), 1, text.size(), stderr); },
                    terminal_style_of_stderr());
  const InterruptGuard guard([&] { view.say("hwnas: stopping after this measurement"); });
  const std::string folder = "profiles/" + plan.name;
  const engine::ProfileResult result =
      engine::profile_device(plan, {.work = options.work.empty() ? folder : options.work,
                                    .to = options.to.empty() ? folder : options.to,
                                    .progress = [&](const auto& progress) { view.show(progress); },
                                    .stop = guard.token()});
  view.finish();
  if (result.state == engine::RunState::kInterrupted) {
    invocation.exit_code = ExitCode::kInterrupted;
    print_message(fmt::format("interrupted; go on with `hwnas profile {}`", options.plan));
    return;
  }
  if (invocation.json)
    print_json(to_json(result));
  else
    print_result(result);
}

}  // namespace

void add_profile(CLI::App& app, Invocation& invocation) {
  CLI::App* command = add_command(app,
                                  {"profile",
                                   "Measure networks on a device and learn its latency",
                                   {"hwnas profile configs/profiles/this_machine.yaml",
                                    "hwnas profile my_board.yaml --to configs/devices"}},
                                  invocation);
  auto options = std::make_shared<Options>();
  command->add_option("PLAN", options->plan, "Which networks to measure, and how")
      ->type_name("FILE")
      ->required();
  command
      ->add_option("--work", options->work,
                   "Folder for the measurements; an interrupted profile goes on from it "
                   "[profiles/NAME]")
      ->type_name("DIR");
  command
      ->add_option("--to", options->to, "Folder for the device file and its model [profiles/NAME]")
      ->type_name("DIR");
  command->callback([options, &invocation] { profile(*options, invocation); });
}

}  // namespace hwnas::cli
