#pragma once

#include <grpcpp/grpcpp.h>
#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "hwnas/v1/search_service.grpc.pb.h"
#include "tests/core/temporary_folder.hpp"

namespace hwnas::service {

/// A small experiment for jobs, with its data set registered in a folder.
struct SampleExperiment {
  std::string text;
  std::filesystem::path datasets;
};
SampleExperiment write_sample_experiment(const TemporaryFolder& folder);

/// hwnasd as a process of its own, that runs jobs by fake_train. Killed when the object goes.
class DaemonProcess {
 public:
  /// `epoch`: the longest time of one of its jobs' epochs.
  DaemonProcess(const std::filesystem::path& data, const std::vector<std::string>& options,
                std::chrono::microseconds epoch = std::chrono::microseconds(0));
  ~DaemonProcess();
  DaemonProcess(const DaemonProcess&) = delete;
  DaemonProcess& operator=(const DaemonProcess&) = delete;

  pid_t pid() const { return pid_; }
  void signal(int number) const;
  /// Its exit code, or 128 + signal.
  int wait();
  std::string errors() const;

 private:
  pid_t pid_ = -1;
  std::filesystem::path errors_;
};

using Stub = v1::SearchService::Stub;
/// A client of the daemon's default socket, once it can be reached; null after half a minute.
std::unique_ptr<Stub> connect(const std::filesystem::path& data);

/// All of a stream, until it ends; `received` is called with each message as it comes.
struct Watched {
  std::vector<v1::WatchSearchJobResponse> messages;
  grpc::Status status;
};
Watched watch(Stub& stub, const std::string& job, std::int64_t after_revision = 0,
              const std::function<void(const v1::WatchSearchJobResponse&)>& received = {});

v1::CreateSearchJobRequest create_request(const std::string& experiment, const std::string& id);

}  // namespace hwnas::service
