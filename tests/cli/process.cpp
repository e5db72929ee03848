#include "process.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace hwnas::cli {
namespace {

std::string unique_file(const std::string& ending) {
  static std::atomic<int> counter = 0;
  return testing::TempDir() + "hwnas_cli_test_" + std::to_string(getpid()) + "_" +
         std::to_string(counter++) + ending;
}

std::string content_of(const std::string& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

void redirect(const std::string& file, int descriptor) {
  const int target = open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  dup2(target, descriptor);
  close(target);
}

}  // namespace

Process::Process(const std::vector<std::string>& command_line)
    : output_file_(unique_file(".out")), error_file_(unique_file(".err")) {
  std::vector<char*> arguments;
  for (const std::string& argument : command_line)
    arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  pid_ = fork();
  if (pid_ == 0) {
    redirect(output_file_, STDOUT_FILENO);
    redirect(error_file_, STDERR_FILENO);
    execv(arguments[0], arguments.data());
    _exit(127);
  }
}

Process::~Process() {
  if (pid_ > 0) {
    signal(SIGKILL);
    wait();
  }
  std::filesystem::remove(output_file_);
  std::filesystem::remove(error_file_);
}

void Process::signal(int number) const {
  kill(pid_, number);
}

std::string Process::err_so_far() const {
  return content_of(error_file_);
}

Finished Process::wait() {
  int status = 0;
  rusage usage{};
  wait4(pid_, &status, 0, &usage);
  pid_ = -1;
  Finished finished;
  finished.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  finished.out = content_of(output_file_);
  finished.err = content_of(error_file_);
  finished.peak_rss_bytes = std::int64_t{usage.ru_maxrss} * 1024;
  return finished;
}

Finished hwnas(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), HWNAS_PROGRAM);
  return Process(arguments).wait();
}

std::string temporary_file(const std::string& name, const std::string& content) {
  const std::string file =
      testing::TempDir() + "hwnas_cli_test_" + std::to_string(getpid()) + "_" + name;
  std::ofstream(file, std::ios::binary) << content;
  return file;
}

}  // namespace hwnas::cli
