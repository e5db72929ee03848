#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/portable_experiment.hpp"
#include "cli/watch_job.hpp"

namespace hwnas::cli {
namespace {

struct Options {
  std::string file;
  std::vector<std::string> sets;
  std::string id;
  std::string request_id;
  std::string display_name;
  int priority = 0;
  bool watch = false;
  std::string download;
  std::shared_ptr<client::ConnectionFlags> connection;
};

v1::CreateSearchJobRequest request_of(const Options& options, const std::string& experiment) {
  v1::CreateSearchJobRequest request;
  request.set_search_job_id(options.id);
  request.set_request_id(options.request_id.empty() ? client::new_request_id()
                                                    : options.request_id);
  v1::SearchJob& job = *request.mutable_search_job();
  job.set_display_name(options.display_name);
  job.set_priority(options.priority);
  job.set_experiment(experiment);
  return request;
}

v1::SearchJob create(const client::SearchClient& client, const Options& options,
                     const PortableExperiment& experiment) {
  const v1::CreateSearchJobRequest request = request_of(options, experiment.text());
  try {
    return client.create(request);
  } catch (const client::CallError& failure) {
    if (failure.code() == ErrorCode::kInvalidArgument) throw experiment.at_home(failure);
    if (failure.code() != ErrorCode::kUnavailable) throw;
    throw error(ErrorCode::kUnavailable,
                "{}; the job may have been submitted all the same: to have it once, repeat the "
                "command with --request-id {}",
                failure.what(), request.request_id());
  }
}

void submit(const Options& options, Invocation& invocation) {
  const PortableExperiment experiment(options.file, options.sets);
  const client::SearchClient client = connect(*options.connection);
  const v1::SearchJob job = create(client, options, experiment);
  if (options.watch || !options.download.empty()) {
    return watch_job(client, {job.name(), options.download, *options.connection}, invocation);
  }
  if (invocation.json) return print_json(to_json(job));
  fmt::print("{}\n", job.name());
}

}  // namespace

void add_submit(CLI::App& app, Invocation& invocation) {
  CLI::App* command =
      add_command(app,
                  {"submit",
                   "Submit an experiment to hwnasd as a job, and print the job's name",
                   {"hwnas submit configs/experiments/fashion_mnist_mcu.yaml",
                    "hwnas submit experiment.yaml --download runs/from_hwnasd",
                    "hwnas submit experiment.yaml --id short --set search.trials=8 --watch"}},
                  invocation);
  auto options = std::make_shared<Options>();
  command
      ->add_option("EXPERIMENT", options->file,
                   "Experiment file, as for `hwnas run`; `data` names a data set of hwnasd")
      ->type_name("FILE")
      ->required();
  command->add_option("--set", options->sets, "Change a value of the file; may be repeated")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  command->add_option("--id", options->id, "The job's id [made of the experiment's name]");
  command->add_option("--priority", options->priority, "Higher ones start first [0]")
      ->check(CLI::Range(-100, 100));
  command->add_option("--display-name", options->display_name, "A name for people");
  command->add_option("--request-id", options->request_id,
                      "Submit once, however often this command is repeated with the same one");
  command->add_flag("--watch", options->watch, "Watch the job to its end, as `hwnas watch`");
  command->add_option("--download", options->download, "Watch, then download all artifacts to here")
      ->type_name("DIR");
  options->connection = add_connection_options(*command);
  command->callback([options, &invocation] { submit(*options, invocation); });
}

}  // namespace hwnas::cli
