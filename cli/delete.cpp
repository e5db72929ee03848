#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/remote.hpp"

namespace hwnas::cli {
namespace {

void remove(const client::SearchClient& client, const std::string& job,
            const Invocation& invocation) {
  client.remove(job);
  if (invocation.json) return print_json({{"deleted", client.job_name(job)}});
  fmt::print("deleted {}\n", client.job_name(job));
}

}  // namespace

void add_delete(CLI::App& app, Invocation& invocation) {
  CLI::App* command = add_command(app,
                                  {"delete",
                                   "Remove a job that has ended, with its artifacts, for ever",
                                   {"hwnas delete fashion_mnist_mcu-1a2b3c4d"}},
                                  invocation);
  auto job = std::make_shared<std::string>();
  command->add_option("JOB", *job, "The job's id or name")->required();
  const auto connection = add_connection_options(*command);
  command->callback(
      [job, connection, &invocation] { remove(connect(*connection), *job, invocation); });
}

}  // namespace hwnas::cli
