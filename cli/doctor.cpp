#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/subject.hpp"
#include "cli/text_table.hpp"
#include "core/config.hpp"
#include "data/dataset.hpp"
#include "engine/config_files.hpp"
#include "engine/run_lock.hpp"
#include "estimators/device.hpp"

namespace hwnas::cli {
namespace {

namespace fs = std::filesystem;

enum class State { kOk, kWarning, kFailed };

struct Finding {
  State state = State::kOk;
  std::string detail;  ///< what was found and, unless kOk, what to do
};

const char* to_string(State state) {
  switch (state) {
    case State::kOk:
      return "ok";
    case State::kWarning:
      return "warning";
    case State::kFailed:
      return "failed";
  }
  return "";
}

double seconds_of(const std::function<void()>& action) {
  const auto start = std::chrono::steady_clock::now();
  action();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// A folder of its own below `parent` for as long as it lives.
class ScratchFolder {
 public:
  explicit ScratchFolder(const fs::path& parent) {
    std::string pattern = (parent / ".hwnas-doctor-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr)
      throw error(ErrorCode::kFailedPrecondition, "cannot write to {}: {}", parent.string(),
                  std::strerror(errno));
    path_ = pattern;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

Finding check_training_program(const fs::path&) {
  const fs::path program = fs::read_symlink("/proc/self/exe").parent_path() / "hwnas-train";
  int status = 0;
  const double seconds = seconds_of([&] {
    const pid_t child = fork();
    if (child == 0) {
      const int null = open("/dev/null", O_WRONLY);
      dup2(null, STDOUT_FILENO);
      execl(program.c_str(), "hwnas-train", "--version", nullptr);
      _exit(127);
    }
    if (child < 0 || waitpid(child, &status, 0) < 0) status = -1;
  });
  if (status != 0)
    return {State::kFailed,
            fmt::format("{} does not start, so nothing can be trained; build or install it again",
                        program.string())};
  return {State::kOk,
          fmt::format("built with LibTorch " HWNAS_TORCH_VERSION "; starts in {:.2f} s", seconds)};
}

Finding check_processor(const fs::path&) {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  sched_getaffinity(0, sizeof allowed, &allowed);
  const std::string cores = fmt::format("{} cores may be used", CPU_COUNT(&allowed));
#if defined(__x86_64__)
  const bool avx2 = __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
  const bool avx512 = __builtin_cpu_supports("avx512f") != 0;
  if (!avx2)
    return {State::kWarning, cores +
                                 "; no AVX2: training will be several times slower than on "
                                 "processors made since 2014"};
  return {State::kOk, fmt::format("{}; AVX2{}", cores, avx512 ? ", AVX-512" : "")};
#else
  return {State::kOk, cores};
#endif
}

std::uint64_t available_memory_bytes() {
  std::ifstream meminfo("/proc/meminfo");
  std::string key;
  std::uint64_t kibibytes = 0;
  while (meminfo >> key >> kibibytes) {
    if (key == "MemAvailable:") return kibibytes * 1024;
    meminfo.ignore(256, '\n');
  }
  return 0;
}

std::string gigabytes(std::uint64_t bytes) {
  return fmt::format("{:.1f} GB", bytes / 1e9);
}

Finding check_memory(const fs::path&) {
  constexpr std::uint64_t kWanted = 2'000'000'000;
  const std::uint64_t available = available_memory_bytes();
  if (available < kWanted)
    return {State::kWarning,
            fmt::format("{} available; a training takes about 1 GB: use --workers 1",
                        gigabytes(available))};
  return {State::kOk, gigabytes(available) + " available"};
}

Finding check_disk(const fs::path& folder) {
  constexpr std::uint64_t kWanted = 1'000'000'000;
  const std::uint64_t available = fs::space(folder).available;
  if (available < kWanted)
    return {State::kWarning, gigabytes(available) + " free; free some, or use another folder"};
  return {State::kOk, gigabytes(available) + " free"};
}

Finding check_file_system(const fs::path& folder) {
  struct statfs information {};
  statfs(folder.c_str(), &information);
  if (information.f_type == NFS_SUPER_MAGIC || information.f_type == SMB_SUPER_MAGIC)
    return {State::kFailed,
            "a network file system, on which a run's store is not safe; use a local folder"};
  const ScratchFolder scratch(folder);
  const int file = open((scratch.path() / "probe").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  bool synced = file >= 0;
  const double seconds =
      seconds_of([&] { synced = synced && write(file, "x", 1) == 1 && fsync(file) == 0; });
  const int reason = errno;
  if (file >= 0) close(file);
  if (!synced)
    return {State::kFailed,
            fmt::format("fsync fails ({}); use another folder", std::strerror(reason))};
  return {seconds > 0.1 ? State::kWarning : State::kOk,
          fmt::format("local; fsync takes {:.1f} ms", seconds * 1e3)};
}

Finding check_locks(const fs::path& folder) {
  const ScratchFolder scratch(folder);
  const engine::RunLock lock(scratch.path());
  if (engine::is_locked(scratch.path()))
    return {State::kOk, "runs are held by one process at a time"};
  return {State::kFailed, "this file system has no locks: two processes could write one run"};
}

Finding check_fashion_mnist(const fs::path&) {
  try {
    const auto source = data::read_data(Config::parse("{ name: fashion_mnist }", "doctor"));
    return {State::kOk,
            fmt::format("{} training and {} test images", source.train.size(), source.test.size())};
  } catch (const Error& failure) {
    return {State::kWarning, failure.what()};
  }
}

Finding check_devices(const fs::path&) {
  const std::vector<std::string> names = engine::device_names(kExperiments);
  for (const std::string& name : names)
    estimators::load_device(engine::device_file(name, kExperiments));
  if (names.empty())
    return {State::kFailed, "none found; set HWNAS_CONFIGS to the folder configs/ of hwnas"};
  return {State::kOk, fmt::format("{} read (hwnas list devices)", names.size())};
}

struct Check {
  const char* name;
  Finding (*run)(const fs::path& folder);
};
constexpr Check kChecks[] = {
    {"training program", check_training_program},
    {"processor", check_processor},
    {"memory", check_memory},
    {"disk", check_disk},
    {"file system", check_file_system},
    {"locks", check_locks},
    {"device files", check_devices},
    {"data: fashion_mnist", check_fashion_mnist},
};

Finding run_check(const Check& check, const fs::path& folder) {
  try {
    return check.run(folder);
  } catch (const std::exception& failure) {
    return {State::kFailed, failure.what()};
  }
}

void doctor(const fs::path& folder, Invocation& invocation) {
  if (!fs::is_directory(folder))
    throw error(ErrorCode::kNotFound, "{}: no such folder", folder.string());
  nlohmann::json json = nlohmann::json::array();
  std::vector<std::vector<std::string>> rows;
  for (const Check& check : kChecks) {
    const Finding finding = run_check(check, folder);
    if (finding.state == State::kFailed) invocation.exit_code = ExitCode::kFailed;
    json.push_back(
        {{"check", check.name}, {"state", to_string(finding.state)}, {"detail", finding.detail}});
    rows.push_back({check.name, to_string(finding.state), finding.detail});
  }
  if (invocation.json)
    print_json(json);
  else
    fmt::print("{}", format_table(rows));
}

}  // namespace

void add_doctor(CLI::App& app, Invocation& invocation) {
  CLI::App* command =
      add_command(app,
                  {"doctor",
                   "Check whether this machine can run experiments; exit code 1 if it cannot",
                   {"hwnas doctor", "hwnas doctor --folder /mnt/scratch/runs"}},
                  invocation);
  auto folder = std::make_shared<std::string>(".");
  command->add_option("--folder", *folder, "Folder in which runs are to be kept")
      ->type_name("DIR")
      ->capture_default_str();
  command->callback([folder, &invocation] { doctor(*folder, invocation); });
}

}  // namespace hwnas::cli
