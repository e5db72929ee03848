#pragma once

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "hwnas/v1/search_service.grpc.pb.h"

namespace hwnas::bench {

/// An hwnasd on a folder's socket, which it can be reached on when the constructor returns. Killed
/// when the object goes.
class DaemonProcess {
 public:
  /// Throws Unavailable, with what it said, if it does not serve within half a minute.
  DaemonProcess(const std::filesystem::path& program, const std::filesystem::path& folder,
                const std::vector<std::string>& options);
  ~DaemonProcess();
  DaemonProcess(const DaemonProcess&) = delete;
  DaemonProcess& operator=(const DaemonProcess&) = delete;

  /// A connection of its own.
  std::shared_ptr<grpc::Channel> connect() const;
  /// Memory that it has at this moment, of which parts may be shared (VmRSS).
  double megabytes() const;

 private:
  std::filesystem::path folder_;
  pid_t pid_ = -1;
};

}  // namespace hwnas::bench
