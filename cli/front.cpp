#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/job_view.hpp"
#include "cli/remote.hpp"

namespace hwnas::cli {
namespace {

void front(const client::SearchClient& client, const std::string& job,
           const Invocation& invocation) {
  if (invocation.json) return print_json(to_json(client.front(job)));
  const std::string table = describe_front(client, job);
  fmt::print("{}", table);
  if (table.empty()) print_message("no trial of this job is complete yet");
}

}  // namespace

void add_front(CLI::App& app, Invocation& invocation) {
  CLI::App* command =
      add_command(app,
                  {"front",
                   "Show the Pareto front that a job has found so far",
                   {"hwnas front short", "hwnas front short --json | jq '.trials[].genotype'"}},
                  invocation);
  auto job = std::make_shared<std::string>();
  command->add_option("JOB", *job, "The job's id or name")->required();
  const auto connection = add_connection_options(*command);
  command->callback(
      [job, connection, &invocation] { front(connect(*connection), *job, invocation); });
}

}  // namespace hwnas::cli
