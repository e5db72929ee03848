#include "cli/command.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstdio>

#include "core/config.hpp"

namespace hwnas::cli {
namespace {

constexpr CommandInfo kCommands[] = {
    {"run", add_run},           {"resume", add_resume},   {"validate", add_validate},
    {"report", add_report},     {"export", add_export},   {"verify", add_verify},
    {"compress", add_compress}, {"import", add_import},   {"predict", add_predict},
    {"measure", add_measure},   {"profile", add_profile}, {"agent", add_agent},
    {"space", add_space},       {"list", add_list},       {"admin", add_admin},
    {"submit", add_submit},     {"jobs", add_jobs},       {"watch", add_watch},
    {"cancel", add_cancel},     {"front", add_front},     {"download", add_download},
    {"delete", add_delete},     {"doctor", add_doctor},   {"completion", add_completion},
};

std::vector<std::string> command_names() {
  std::vector<std::string> names;
  for (const CommandInfo& command : kCommands) names.emplace_back(command.name);
  return names;
}

/// CLI11 reports a misspelt command as a missing one; people want to hear which word is wrong.
std::string usage_message(const CLI::App* app, const CLI::Error& error) {
  std::string message = error.what();
  const std::vector<std::string> unknown = app->remaining();
  if (app->get_subcommands().empty() && !unknown.empty())
    message = fmt::format("unknown command '{}'{}", unknown.front(),
                          did_you_mean(unknown.front(), command_names()));
  std::string command = app->get_name();
  while (!app->get_subcommands().empty()) {
    app = app->get_subcommands().front();
    command += " " + app->get_name();
  }
  return fmt::format("hwnas: {}\nRun `{} --help` for usage and examples.\n", message, command);
}

}  // namespace

CLI::App* add_command(CLI::App& parent, const CommandText& text, Invocation& invocation) {
  CLI::App* command = parent.add_subcommand(text.name, text.summary);
  command->add_flag("--json", invocation.json, "Write the result to standard output as JSON");
  std::string footer = "Examples:";
  for (const std::string& example : text.examples) footer += "\n  " + example;
  command->footer(footer);
  return command;
}

void build_app(CLI::App& app, Invocation& invocation) {
  app.name("hwnas");
  app.description("Searches, trains and exports neural networks that fit a device's budget.");
  app.set_version_flag("--version", "hwnas " HWNAS_VERSION);
  app.require_subcommand(1);
  app.failure_message(usage_message);
  app.footer(std::string("Data go to standard output, messages to standard error.\n\n") +
             exit_code_help() +
             "\n\nExamples:\n"
             "  hwnas validate configs/experiments/fashion_mnist_mcu.yaml\n"
             "  hwnas run configs/experiments/fashion_mnist_mcu.yaml\n"
             "  hwnas resume runs/fashion_mnist_mcu\n"
             "  hwnas submit configs/experiments/fashion_mnist_mcu.yaml --watch");
  for (const CommandInfo& command : kCommands) command.add(app, invocation);
}

void print_json(const nlohmann::json& json) {
  // Names come from files of users: bytes that are no UTF-8 are replaced, not thrown at.
  fmt::print("{}\n", json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
}

void print_message(std::string_view message) {
  fmt::print(stderr, "hwnas: {}\n", message);
}

}  // namespace hwnas::cli
