#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/job_view.hpp"
#include "cli/remote.hpp"

namespace hwnas::cli {
namespace {

void cancel(const client::SearchClient& client, const std::string& name,
            const Invocation& invocation) {
  const v1::SearchJob job = client.cancel(name);
  if (invocation.json) return print_json(to_json(job));
  fmt::print("{}\n", state_name(job.state()));
}

}  // namespace

void add_cancel(CLI::App& app, Invocation& invocation) {
  CLI::App* command = add_command(
      app,
      {"cancel",
       "Stop a job of hwnasd; what it has found stays",
       {"hwnas cancel fashion_mnist_mcu-1a2b3c4d", "hwnas cancel short && hwnas watch short"}},
      invocation);
  auto job = std::make_shared<std::string>();
  command->add_option("JOB", *job, "The job's id or name")->required();
  const auto connection = add_connection_options(*command);
  command->callback(
      [job, connection, &invocation] { cancel(connect(*connection), *job, invocation); });
}

}  // namespace hwnas::cli
