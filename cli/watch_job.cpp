#include "cli/watch_job.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>

#include "cli/format.hpp"
#include "cli/interrupt.hpp"
#include "cli/job_view.hpp"
#include "cli/live_progress.hpp"
#include "client/download.hpp"
#include "client/watch.hpp"
#include "core/text.hpp"

namespace hwnas::cli {
namespace {

using Event = v1::WatchSearchJobResponse;

/// One object a line, for whoever reads while they come.
void print_line(const nlohmann::json& json) {
  fmt::print("{}\n", json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  std::fflush(stdout);
}

/// Shows the events of one job to people.
class EventView {
 public:
  explicit EventView(ProgressView& view) : view_(view) {}

  void show(const Event& event) {
    if (event.has_search_job()) show_state(event.search_job());
    if (event.has_progress() && !event.progress().stage().empty()) {
      last_ = progress_.update(event.progress());
      view_.show(last_);
    }
  }

 private:
  void show_state(const v1::SearchJob& job) {
    if (job.state() == v1::SearchJob::SUCCEEDED && !last_.stage.empty()) {
      last_.fraction = 1;
      view_.show(last_);
    }
    if (is_final(job.state())) return;
    const std::string attempt =
        job.attempts() > 1 ? fmt::format(", attempt {}", job.attempts()) : "";
    view_.say(fmt::format("{} {}{}", short_name(job.name()), state_name(job.state()), attempt));
  }

  ProgressView& view_;
  JobProgress progress_;
  engine::Progress last_;
};

/// The job when it is final.
v1::SearchJob follow(const client::SearchClient& client, const WatchRequest& request, bool json) {
  const InterruptGuard interrupt([] {});
  client::WatchOptions options;
  options.stop = interrupt.token();
  if (json)
    return client::watch(client, request.job, options,
                         [](const Event& event) { print_line(to_json(event)); });
  LiveProgress progress;
  EventView events(progress.view());
  options.on_cut = [&](const std::string& reason) {
    progress.view().say(reason + "; trying again");
  };
  try {
    const v1::SearchJob job = client::watch(client, request.job, options,
                                            [&](const Event& event) { events.show(event); });
    progress.view().finish();
    return job;
  } catch (const Error&) {
    progress.view().finish();
    throw;
  }
}

std::string command_to_go_on(const WatchRequest& request, const Invocation& invocation) {
  std::string command =
      fmt::format("{} watch {}", invocation.arguments.front(), shell_quoted(request.job));
  const auto add = [&](const char* option, const std::string& value) {
    if (!value.empty()) command += fmt::format(" {} {}", option, shell_quoted(value));
  };
  add("--download", request.download.string());
  add("--server", request.connection.server);
  add("--tenant", request.connection.tenant);
  add("--token-file", request.connection.token_file.string());
  add("--tls-ca", request.connection.tls_authority.string());
  add("--tls-cert", request.connection.tls_certificate.string());
  add("--tls-key", request.connection.tls_key.string());
  return command;
}

void conclude(const client::SearchClient& client, const WatchRequest& request,
              const v1::SearchJob& job, Invocation& invocation) {
  if (!invocation.json) fmt::print("{}", describe_front(client, request.job));
  if (job.state() != v1::SearchJob::SUCCEEDED) {
    invocation.exit_code = ExitCode::kFailed;
    print_message(
        fmt::format("job {} {}{}", short_name(job.name()), state_name(job.state()),
                    job.error().message().empty() ? "" : ": " + one_line(job.error().message())));
  }
  if (request.download.empty() || client.artifacts(request.job).empty()) return;
  const auto files = download_artifacts(client, request.job, {}, request.download);
  if (invocation.json) {
    print_line(to_json(files));
  } else {
    fmt::print("{}", describe(files));
  }
}

}  // namespace

void watch_job(const client::SearchClient& client, const WatchRequest& request,
               Invocation& invocation) {
  try {
    conclude(client, request, follow(client, request, invocation.json), invocation);
  } catch (const Error& failure) {
    if (failure.code() != ErrorCode::kCancelled) throw;
    print_message(fmt::format("no longer watched; the job goes on. To watch it again: {}",
                              command_to_go_on(request, invocation)));
    invocation.exit_code = ExitCode::kInterrupted;
  }
}

std::vector<DownloadedFile> download_artifacts(const client::SearchClient& client,
                                               const std::string& job,
                                               const std::vector<std::string>& formats,
                                               const std::filesystem::path& folder) {
  const auto artifacts = client::select_artifacts(client.artifacts(job), formats);
  if (artifacts.empty()) {
    throw error(ErrorCode::kNotFound, "{} has no artifacts yet: it is {}", short_name(job),
                state_name(client.get(job).state()));
  }
  std::map<std::string, std::string> format_by_name;
  for (const v1::Artifact& artifact : artifacts) {
    const auto [other, is_new] = format_by_name.emplace(artifact.file_name(), artifact.format());
    if (is_new) continue;
    throw error(ErrorCode::kFailedPrecondition,
                "{} and {} are both called {}: download each into a folder of its own",
                other->second, artifact.format(), in_quotes(artifact.file_name()));
  }
  std::vector<DownloadedFile> files;
  for (const v1::Artifact& artifact : artifacts) {
    files.push_back({one_line(artifact.format()), client::download(client, artifact, folder)});
  }
  return files;
}

nlohmann::json to_json(const std::vector<DownloadedFile>& files) {
  nlohmann::json list = nlohmann::json::array();
  for (const DownloadedFile& file : files) {
    list.push_back({{"format", file.format}, {"file", file.file.string()}});
  }
  return {{"files", std::move(list)}};
}

std::string describe(const std::vector<DownloadedFile>& files) {
  std::string text;
  for (const DownloadedFile& file : files) {
    text += fmt::format("{:<9} {}\n", file.format, file.file.string());
  }
  return text;
}

}  // namespace hwnas::cli
