#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/watch_job.hpp"

namespace hwnas::cli {
namespace {

struct Options {
  std::string job;
  std::vector<std::string> formats;
  std::string folder;
  std::shared_ptr<client::ConnectionFlags> connection;
};

void download(const Options& options, const Invocation& invocation) {
  const client::SearchClient client = connect(*options.connection);
  const auto files = download_artifacts(client, options.job, options.formats, options.folder);
  if (invocation.json) return print_json(to_json(files));
  fmt::print("{}", describe(files));
}

}  // namespace

void add_download(CLI::App& app, Invocation& invocation) {
  CLI::App* command = add_command(
      app,
      {"download",
       "Download what a job has made; repeated, it goes on where it was cut off",
       {"hwnas download short --to build/short", "hwnas download short tflite report --to ."}},
      invocation);
  auto options = std::make_shared<Options>();
  command->add_option("JOB", options->job, "The job's id or name")->required();
  command->add_option("FORMAT", options->formats,
                      "onnx, tflite, c, …; report, weights [all that there are]");
  command->add_option("--to", options->folder, "Folder")->type_name("DIR")->required();
  options->connection = add_connection_options(*command);
  command->callback([options, &invocation] { download(*options, invocation); });
}

}  // namespace hwnas::cli
