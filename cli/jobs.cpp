#include <fmt/chrono.h>
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/job_view.hpp"
#include "cli/remote.hpp"
#include "cli/text_table.hpp"
#include "core/text.hpp"

namespace hwnas::cli {
namespace {

struct Options {
  std::string filter;
  bool all = false;
  std::shared_ptr<client::ConnectionFlags> connection;
};

constexpr int kPageSize = 50;

std::string local_time(const google::protobuf::Timestamp& time) {
  return fmt::format("{:%F %R}", fmt::localtime(static_cast<std::time_t>(time.seconds())));
}

std::string evaluated(const v1::SearchProgress& progress) {
  if (progress.planned_trials() == 0) return "";
  return fmt::format("{}/{}", progress.evaluated_trials(), progress.planned_trials());
}

void print_table(const std::vector<v1::SearchJob>& jobs) {
  std::vector<std::vector<std::string>> rows = {
      {"job", "state", "evaluated", "front", "created", "name"}};
  for (const v1::SearchJob& job : jobs) {
    rows.push_back({one_line(short_name(job.name())), state_name(job.state()),
                    evaluated(job.progress()), std::to_string(job.progress().front_size()),
                    local_time(job.create_time()), one_line(job.display_name())});
  }
  fmt::print("{}", format_table(rows));
}

void jobs(const Options& options, const Invocation& invocation) {
  const auto list = connect(*options.connection).list(options.filter, kPageSize, options.all);
  if (invocation.json) {
    nlohmann::json rows = nlohmann::json::array();
    for (const v1::SearchJob& job : list.jobs) rows.push_back(to_json(job));
    print_json(rows);
  } else {
    print_table(list.jobs);
  }
  if (list.more) {
    print_message(fmt::format("these are the newest {}; --all lists all", list.jobs.size()));
  }
}

}  // namespace

void add_jobs(CLI::App& app, Invocation& invocation) {
  CLI::App* command = add_command(app,
                                  {"jobs",
                                   "List the jobs of hwnasd, the newest first",
                                   {"hwnas jobs", "hwnas jobs --filter 'state = RUNNING'",
                                    "hwnas jobs --all --json | jq -r '.[].name'"}},
                                  invocation);
  auto options = std::make_shared<Options>();
  command->add_option(
      "--filter", options->filter,
      "Comparisons of state, priority, display_name and create_time, joined by AND");
  command->add_flag("--all", options->all, "All of them, not the newest 50");
  options->connection = add_connection_options(*command);
  command->callback([options, &invocation] { jobs(*options, invocation); });
}

}  // namespace hwnas::cli
