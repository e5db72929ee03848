// hwnasd: search jobs over gRPC (docs/service.md).
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <csignal>
#include <cstdio>
#include <new>

#include "cli/exit_code.hpp"
#include "cli/read_dataset.hpp"
#include "service/daemon.hpp"
#include "service/log.hpp"

namespace hwnas::cli {
namespace {

namespace fs = std::filesystem;

// After an error of the disk nothing that is stored can be relied on; whoever supervises the daemon
// starts it again (EX_IOERR of sysexits.h).
constexpr int kDiskFailed = 74;
// How the daemon runs itself to read a data set of strangers; for nobody else.
constexpr const char* kReadDataset = "read-dataset";

void add_job_options(CLI::App& app, service::SupervisorOptions& jobs) {
  app.add_option("--max-running", jobs.max_running, "Jobs that run at the same time")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  app.add_option("--max-running-of-tenant", jobs.max_running_of_tenant, "The same, of one tenant")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  app.add_option("--workers", jobs.workers, "Trials of a job trained at the same time")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  app.add_option("--job-memory", jobs.limits.memory_bytes, "Memory of a job, bytes [no limit]")
      ->transform(CLI::AsSizeValue(false));
  app.add_option("--job-cpu-seconds", jobs.limits.cpu_seconds,
                 "Processor time of each start of a job [no limit]");
  app.add_option_function<std::int64_t>(
      "--job-run-time",
      [&](std::int64_t seconds) { jobs.run_time = std::chrono::seconds(seconds); },
      "Seconds that each start of a job may take [no limit]");
  app.add_option("--job-file-size", jobs.limits.file_bytes, "Of each file of a job [no limit]")
      ->transform(CLI::AsSizeValue(false));
  app.add_option("--job-open-files", jobs.limits.open_files, "Of a job [no limit]");
}

void add_network_options(CLI::App& app, service::NetworkQuota& networks) {
  app.add_option("--max-parameters", networks.parameters, "Of any network of a job's space")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--max-macs", networks.macs, "Multiply-accumulates of a sample, likewise")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--max-activation-bytes", networks.activation_bytes,
                 "What training keeps of a sample, likewise")
      ->transform(CLI::AsSizeValue(false))
      ->capture_default_str();
}

void add_quota_options(CLI::App& app, service::TenantQuota& quota) {
  app.add_option("--max-unfinished-of-tenant", quota.unfinished_jobs,
                 "Jobs queued or running, of one tenant")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  app.add_option("--max-trials-of-tenant", quota.planned_trials,
                 "Trials planned in its unfinished jobs [no limit]")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--max-cpu-seconds-of-tenant", quota.cpu_seconds_of_day,
                 "Processor time of its jobs within 24 hours [no limit]")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--max-bytes-of-tenant", quota.bytes, "Its files [no limit]")
      ->transform(CLI::AsSizeValue(false));
  app.add_option("--max-studies-of-tenant", quota.studies, "Studies of Vizier's API [no limit]")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--max-study-trials-of-tenant", quota.study_trials,
                 "Trials in all its studies [no limit]")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--max-streams-of-tenant", quota.watch_streams,
                 "Open streams of WatchSearchJob [no limit]")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--max-calls-of-tenant", quota.calls_per_second, "Calls a second [no limit]")
      ->check(CLI::NonNegativeNumber);
}

void add_options(CLI::App& app, service::DaemonOptions& options) {
  app.add_option("--data", options.folder, "Folder of jobs and their files")
      ->type_name("DIR")
      ->required();
  app.add_option("--listen", options.listen, "Where clients connect [unix:DIR/hwnasd.sock]")
      ->type_name("HOST:PORT|unix:PATH");
  app.add_option("--datasets", options.datasets, "Data sets that jobs may name: NAME.yaml each")
      ->type_name("DIR");
  app.add_option("--tokens", options.tokens, "Who may call: lines of TENANT read|write TOKEN")
      ->type_name("FILE");
  app.add_option("--tls-cert", options.tls_certificate, "Certificate (PEM)")->type_name("FILE");
  app.add_option("--tls-key", options.tls_key, "Its key (PEM)")->type_name("FILE");
  app.add_option("--tls-client-ca", options.tls_client_authority,
                 "Authority of clients' certificates (PEM)")
      ->type_name("FILE");
  app.add_option("--page", options.page,
                 "The live page and metrics, for this machine only [neither]")
      ->type_name("127.0.0.1:PORT");
  app.add_option_function<std::string>(
         "--log-level",
         [](const std::string& level) {
           service::set_log_level(service::log_level_from_string(level));
         },
         "What is logged: debug (every call), info, warning or error [info]")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}));
  add_quota_options(app, options.quota);
  add_network_options(app, options.networks);
  add_job_options(app, options.jobs);
}

[[noreturn]] void end_at_once(const Error& failure) {
  fmt::print(stderr, "hwnasd: {}\n", failure.what());
  _exit(kDiskFailed);
}

/// Serves until SIGTERM or SIGINT; a second one ends the process at once, as a crash would.
void serve(const service::DaemonOptions& options) {
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGTERM);
  sigaddset(&ending, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ending, nullptr);  // before any thread, so that none takes them
  std::signal(SIGPIPE, SIG_IGN);
  umask(S_IRWXG | S_IRWXO);
  const service::Daemon daemon(options, end_at_once);
  int received = 0;
  sigwait(&ending, &received);
  pthread_sigmask(SIG_UNBLOCK, &ending, nullptr);
}

ExitCode run(int argc, char** argv) {
  CLI::App app("Runs search jobs that clients submit over gRPC.", "hwnasd");
  service::DaemonOptions options;
  std::string program;
  add_options(app, options);
  app.add_option("--program", program, "What runs a job [hwnas-train, beside hwnasd]")
      ->type_name("FILE");
  app.footer("Example:\n  hwnasd --data /var/lib/hwnas --datasets /etc/hwnas/datasets");
  try {
    if (argc == 4 && std::string_view(argv[1]) == kReadDataset) {
      read_dataset(argv[2], argv[3]);
      return ExitCode::kOk;
    }
    app.parse(argc, argv);
    options.folder = fs::absolute(options.folder).lexically_normal();
    const fs::path here = fs::read_symlink("/proc/self/exe");
    options.dataset_reader = {here.string(), kReadDataset};
    options.jobs.program = {program.empty() ? (here.parent_path() / "hwnas-train").string()
                                            : fs::absolute(program).string()};
    serve(options);
    return ExitCode::kOk;
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? ExitCode::kOk : ExitCode::kUsage;
  } catch (const Error& error) {
    fmt::print(stderr, "hwnasd: {}\n", error.what());
    return exit_code_of(error.code());
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "hwnasd: out of memory\n");
    return ExitCode::kTryAgain;
  } catch (const std::exception& error) {
    fmt::print(stderr, "hwnasd: internal error: {}\n", error.what());
    return ExitCode::kFailed;
  }
}

}  // namespace
}  // namespace hwnas::cli

int main(int argc, char** argv) {
  return static_cast<int>(hwnas::cli::run(argc, argv));
}
