#include "service/process_metrics.hpp"

#include <grpcpp/grpcpp.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "service/metrics.hpp"

namespace hwnas::service {
namespace {

using prometheus::MetricFamily;

/// Of /proc/self/stat, see proc(5).
struct Stat {
  double cpu_ticks = 0;
  double threads = 0;
  double start_ticks = 0;  // since the machine's start
  double virtual_bytes = 0;
  double resident_pages = 0;
};

Stat read_stat() {
  std::ifstream file("/proc/self/stat");
  std::string text{std::istreambuf_iterator<char>(file), {}};
  // The program's name before it may hold spaces and parentheses.
  std::istringstream fields(text.substr(std::min(text.size(), text.rfind(')') + 1)));
  constexpr int kFirst = 3, kLast = 24;
  double values[kLast + 1] = {};
  std::string state;
  fields >> state;
  for (int i = kFirst + 1; i <= kLast; ++i) fields >> values[i];
  return {values[14] + values[15], values[20], values[22], values[23], values[24]};
}

double boot_time() {
  std::ifstream file("/proc/stat");
  for (std::string word; file >> word;) {
    double seconds = 0;
    if (word == "btime" && file >> seconds) return seconds;
  }
  return 0;
}

double open_files() {
  std::error_code failed;
  const auto entries = std::filesystem::directory_iterator("/proc/self/fd", failed);
  if (failed) return 0;
  return static_cast<double>(std::distance(begin(entries), end(entries)) - 1);  // its own
}

double max_files() {
  rlimit limit{};
  return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? static_cast<double>(limit.rlim_cur) : 0;
}

MetricFamily number(const char* name, const char* help, double value) {
  MetricFamily family = metric_family(name, help);
  add_sample(family, {}, value);
  return family;
}

MetricFamily build_info() {
  MetricFamily family = metric_family("hwnas_build_info", "Versions; always 1");
  add_sample(
      family,
      {{"version", HWNAS_VERSION}, {"grpc", grpc::Version()}, {"sqlite", sqlite3_libversion()}}, 1);
  return family;
}

}  // namespace

std::vector<MetricFamily> ProcessMetrics::Collect() const {
  const Stat stat = read_stat();
  const double ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  const double page = static_cast<double>(::sysconf(_SC_PAGESIZE));
  return {
      build_info(),
      number("process_cpu_seconds_total", "Processor time, without that of jobs",
             stat.cpu_ticks / ticks),
      number("process_resident_memory_bytes", "Memory held", stat.resident_pages * page),
      number("process_virtual_memory_bytes", "Address space", stat.virtual_bytes),
      number("process_threads", "Threads", stat.threads),
      number("process_open_fds", "Open files and connections", open_files()),
      number("process_max_fds", "Limit of open files and connections", max_files()),
      number("process_start_time_seconds", "Start, since 1970",
             boot_time() + stat.start_ticks / ticks),
  };
}

}  // namespace hwnas::service
