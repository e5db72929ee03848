#include <memory>

#include "cli/watch_job.hpp"

namespace hwnas::cli {

void add_watch(CLI::App& app, Invocation& invocation) {
  CLI::App* command =
      add_command(app,
                  {"watch",
                   "Show a job's progress until it ends, then its front",
                   {"hwnas watch fashion_mnist_mcu-1a2b3c4d",
                    "hwnas watch tenants/acme/searchJobs/short --download runs/short",
                    "hwnas watch short --json | jq -c .trial"}},
                  invocation);
  auto request = std::make_shared<WatchRequest>();
  command->add_option("JOB", request->job, "The job's id or name")->required();
  command->add_option("--download", request->download, "Download all artifacts to here at the end")
      ->type_name("DIR");
  const auto connection = add_connection_options(*command);
  command->callback([request, connection, &invocation] {
    request->connection = *connection;
    watch_job(connect(*connection), *request, invocation);
  });
}

}  // namespace hwnas::cli
