#include "tests/service/sample_daemon.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>

#include <csignal>
#include <fstream>
#include <stdexcept>

#include "core/file.hpp"
#include "tests/engine/sample_run.hpp"

extern char** environ;

namespace hwnas::service {

SampleExperiment write_sample_experiment(const TemporaryFolder& folder) {
  std::string text = read_file(engine::write_wave_experiment(folder), 1 << 20);
  const std::size_t data = text.find("data:");
  text.replace(data, text.find('\n', data) - data, "data: { name: waves }");
  folder.write("datasets/waves.yaml",
               fmt::format("name: csv_series\ntrain: {}\ntest: {}\n",
                           (folder / "train.csv").string(), (folder / "test.csv").string()));
  return {text, folder / "datasets"};
}

DaemonProcess::DaemonProcess(const std::filesystem::path& data,
                             const std::vector<std::string>& options,
                             std::chrono::microseconds epoch)
    : errors_(data.string() + ".errors") {
  std::vector<std::string> arguments{HWNASD_PROGRAM, "--data", data.string(), "--program",
                                     FAKE_TRAIN_PROGRAM};
  arguments.insert(arguments.end(), options.begin(), options.end());
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  std::string longest = fmt::format("FAKE_TRAIN_EPOCH_US={}", epoch.count());
  std::vector<char*> environment{longest.data()};
  for (char** variable = environ; *variable != nullptr; ++variable) {
    environment.push_back(*variable);
  }
  environment.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 2, errors_.c_str(), O_WRONLY | O_CREAT | O_APPEND,
                                   0600);
  const int failed =
      posix_spawn(&pid_, HWNASD_PROGRAM, &actions, nullptr, pointers.data(), environment.data());
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) throw std::runtime_error("cannot start " HWNASD_PROGRAM);
}

DaemonProcess::~DaemonProcess() {
  if (pid_ < 0) return;
  signal(SIGKILL);
  wait();
}

void DaemonProcess::signal(int number) const {
  kill(pid_, number);
}

int DaemonProcess::wait() {
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string DaemonProcess::errors() const {
  std::ifstream file(errors_);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::unique_ptr<Stub> connect(const std::filesystem::path& data) {
  const auto deadline = std::chrono::system_clock::now() + std::chrono::seconds(30);
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  const auto channel = grpc::CreateCustomChannel("unix:" + (data / "hwnasd.sock").string(),
                                                 grpc::InsecureChannelCredentials(), arguments);
  if (!channel->WaitForConnected(deadline)) return nullptr;
  return v1::SearchService::NewStub(channel);
}

Watched watch(Stub& stub, const std::string& job, std::int64_t after_revision,
              const std::function<void(const v1::WatchSearchJobResponse&)>& received) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
  v1::WatchSearchJobRequest request;
  request.set_name(job);
  request.set_after_revision(after_revision);
  const auto reader = stub.WatchSearchJob(&context, request);
  Watched watched;
  for (v1::WatchSearchJobResponse message; reader->Read(&message);) {
    watched.messages.push_back(message);
    if (received) received(message);
  }
  watched.status = reader->Finish();
  return watched;
}

v1::CreateSearchJobRequest create_request(const std::string& experiment, const std::string& id) {
  v1::CreateSearchJobRequest request;
  request.set_parent("tenants/acme");
  request.set_search_job_id(id);
  request.mutable_search_job()->set_experiment(experiment);
  return request;
}

}  // namespace hwnas::service
