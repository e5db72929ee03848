#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <nlohmann/json_fwd.hpp>

#include "cli/exit_code.hpp"

namespace hwnas::cli {

/// What the commands share: set while the command line is parsed, read by the command that runs.
struct Invocation {
  std::vector<std::string> arguments;  ///< as main got them, the program's name first
  bool json = false;
  ExitCode exit_code = ExitCode::kOk;
};

/// A command's place in --help.
struct CommandText {
  std::string name;
  std::string summary;
  std::vector<std::string> examples;  ///< whole command lines
};

/// Adds a subcommand with --json and its examples in --help.
CLI::App* add_command(CLI::App& parent, const CommandText& text, Invocation& invocation);

/// A row of the table of commands; one file a command.
struct CommandInfo {
  std::string_view name;
  void (*add)(CLI::App& app, Invocation& invocation);
};
void add_admin(CLI::App& app, Invocation& invocation);
void add_agent(CLI::App& app, Invocation& invocation);
void add_cancel(CLI::App& app, Invocation& invocation);
void add_completion(CLI::App& app, Invocation& invocation);
void add_compress(CLI::App& app, Invocation& invocation);
void add_delete(CLI::App& app, Invocation& invocation);
void add_doctor(CLI::App& app, Invocation& invocation);
void add_download(CLI::App& app, Invocation& invocation);
void add_export(CLI::App& app, Invocation& invocation);
void add_front(CLI::App& app, Invocation& invocation);
void add_import(CLI::App& app, Invocation& invocation);
void add_jobs(CLI::App& app, Invocation& invocation);
void add_list(CLI::App& app, Invocation& invocation);
void add_measure(CLI::App& app, Invocation& invocation);
void add_predict(CLI::App& app, Invocation& invocation);
void add_profile(CLI::App& app, Invocation& invocation);
void add_report(CLI::App& app, Invocation& invocation);
void add_resume(CLI::App& app, Invocation& invocation);
void add_run(CLI::App& app, Invocation& invocation);
void add_space(CLI::App& app, Invocation& invocation);
void add_submit(CLI::App& app, Invocation& invocation);
void add_validate(CLI::App& app, Invocation& invocation);
void add_verify(CLI::App& app, Invocation& invocation);
void add_watch(CLI::App& app, Invocation& invocation);

/// The whole command line. `app` and `invocation` must outlive its parse.
void build_app(CLI::App& app, Invocation& invocation);

/// The data of a --json command on standard output, indented.
void print_json(const nlohmann::json& json);

/// A message for people on standard error: "hwnas: <message>".
void print_message(std::string_view message);

}  // namespace hwnas::cli
