#pragma once

#include "core/error.hpp"

namespace hwnas::cli {

/// What the process tells its caller; part of the interface (docs/cli.md, `hwnas --help`).
enum class ExitCode : int {
  kOk = 0,
  kFailed = 1,          ///< the search failed, or a defect of hwnas
  kUsage = 2,           ///< wrong command line, configuration or input
  kNotFound = 3,        ///< a named file, run, device, … does not exist
  kAuthentication = 4,  ///< hwnasd does not know the caller, or does not let it do this
  kUnavailable = 5,     ///< something needed cannot be reached now
  kTryAgain = 75,       ///< another process holds the run, or disk or memory is used up
  kInterrupted = 130    ///< stopped by Ctrl-C or SIGTERM; `hwnas resume` or `hwnas watch` goes on
};

ExitCode exit_code_of(ErrorCode code);
/// The same, with what a call of hwnasd says in more detail.
ExitCode exit_code_of(const Error& error);

/// The meaning of every exit code, one line each: for --help.
const char* exit_code_help();

}  // namespace hwnas::cli
