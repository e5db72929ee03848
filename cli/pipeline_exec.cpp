#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

#include "cli/pipeline.hpp"
#include "core/error.hpp"

namespace hwnas::cli {

namespace {

[[noreturn]] void become_hwnas_train(Invocation& invocation) {
  const auto program =
      std::filesystem::read_symlink("/proc/self/exe").parent_path() / "hwnas-train";
  std::vector<char*> arguments;
  for (std::string& argument : invocation.arguments) arguments.push_back(argument.data());
  arguments.push_back(nullptr);
  std::fflush(nullptr);
  execv(program.c_str(), arguments.data());
  throw error(ErrorCode::kNotFound, "cannot start {}: {}; it is built and installed with hwnas",
              program.string(), std::strerror(errno));
}

}  // namespace

void run_pipeline(const RunRequest&, Invocation& invocation) {
  become_hwnas_train(invocation);
}

void compress(engine::CompressRequest, Invocation& invocation) {
  become_hwnas_train(invocation);
}

}  // namespace hwnas::cli
