#include "cli/exit_code.hpp"

namespace hwnas::cli {

ExitCode exit_code_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kAlreadyExists:
    case ErrorCode::kFailedPrecondition:
      return ExitCode::kUsage;
    case ErrorCode::kNotFound:
      return ExitCode::kNotFound;
    case ErrorCode::kUnavailable:
      return ExitCode::kUnavailable;
    case ErrorCode::kResourceExhausted:
      return ExitCode::kTryAgain;
    case ErrorCode::kCancelled:
      return ExitCode::kInterrupted;
    case ErrorCode::kInternal:
      return ExitCode::kFailed;
  }
  return ExitCode::kFailed;
}

const char* exit_code_help() {
  return "Exit codes:\n"
         "  0    done\n"
         "  1    the search failed, or a defect of hwnas\n"
         "  2    wrong command line, configuration or input\n"
         "  3    a named file, run or device does not exist\n"
         "  5    something needed cannot be reached now\n"
         "  75   try again: another process holds the run, or disk or memory is used up\n"
         "  130  interrupted by Ctrl-C or SIGTERM; `hwnas resume` goes on";
}

}  // namespace hwnas::cli
