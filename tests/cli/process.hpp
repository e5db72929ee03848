#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace hwnas::cli {

/// What is left of a finished process.
struct Finished {
  int exit_code = -1;  ///< 128 + signal if a signal ended it
  std::string out;
  std::string err;
  std::int64_t peak_rss_bytes = 0;
};

/// A running child process with standard output and error caught.
class Process {
 public:
  explicit Process(const std::vector<std::string>& command_line);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void signal(int number) const;
  /// What it has written to standard error until now.
  std::string err_so_far() const;
  Finished wait();

 private:
  std::string output_file_;
  std::string error_file_;
  int pid_ = -1;
};

/// The program under test with these arguments, run to its end.
Finished hwnas(std::vector<std::string> arguments);

/// A file in the tests' temporary folder with this content.
std::string temporary_file(const std::string& name, const std::string& content);

}  // namespace hwnas::cli
