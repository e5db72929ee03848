#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <new>

#include "cli/command.hpp"

namespace hwnas::cli {
namespace {

ExitCode run_command_line(int argc, char** argv) {
  Invocation invocation;
  invocation.arguments.assign(argv, argv + argc);
  CLI::App app;
  build_app(app, invocation);
  try {
    app.parse(argc, argv);
    return invocation.exit_code;
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? ExitCode::kOk : ExitCode::kUsage;
  } catch (const Error& error) {
    print_message(error.what());
    return exit_code_of(error);
  } catch (const std::bad_alloc&) {
    print_message("out of memory");
    return ExitCode::kTryAgain;
  } catch (const std::exception& error) {
    print_message(fmt::format("internal error: {}", error.what()));
    return ExitCode::kFailed;
  }
}

/// Data that did not reach standard output (a full disk) must not look like success.
ExitCode flush_output(ExitCode code) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
  print_message(fmt::format("cannot write the result: {}", std::strerror(errno)));
  return code == ExitCode::kOk ? ExitCode::kFailed : code;
}

}  // namespace
}  // namespace hwnas::cli

int main(int argc, char** argv) {
  using namespace hwnas::cli;
  return static_cast<int>(flush_output(run_command_line(argc, argv)));
}
