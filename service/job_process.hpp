#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace hwnas::service {

/// What one job's process may use; 0: no limit of its own.
struct JobLimits {
  std::uint64_t memory_bytes = 0;  ///< writable memory (RLIMIT_DATA): address space alone would
                                   ///< count what CUDA only reserves
  std::uint64_t cpu_seconds = 0;   ///< of all its threads together, each attempt
  std::uint64_t file_bytes = 0;    ///< of each file
  std::uint64_t open_files = 0;
};

/// How a process ended.
struct ProcessExit {
  int code = 0;    ///< if signal is 0
  int signal = 0;  ///< that ended it
};

/// A job's process: leads a process group of its own, with limits, as the first that the system
/// kills when memory is short, and killed when the thread that started it ends (PR_SET_PDEATHSIG
/// looks at the thread, not the process). For one thread.
class JobProcess {
 public:
  /// `arguments`: the first is the program's path. Standard error goes into `log` (which is
  /// replaced), standard output nowhere. Throws ResourceExhausted if no process can be made; one
  /// that cannot be executed ends with kCannotExecute.
  JobProcess(const std::vector<std::string>& arguments, const std::filesystem::path& log,
             const JobLimits& limits);
  /// Kills what is left of it.
  ~JobProcess();
  JobProcess(const JobProcess&) = delete;
  JobProcess& operator=(const JobProcess&) = delete;

  static constexpr int kCannotExecute = 127;

  pid_t pid() const { return pid_; }
  /// Nothing while it runs.
  std::optional<ProcessExit> poll();
  /// Of the process and those of its children that have ended, while it runs and after its end.
  double cpu_seconds() const;
  /// Asks it to end in order.
  void terminate() const;
  /// It and all that it has started.
  void kill() const;

 private:
  pid_t pid_ = -1;
  std::optional<ProcessExit> exit_;
  double cpu_seconds_ = 0;  // when it ended
};

}  // namespace hwnas::service
