#include "cli/exit_code.hpp"

#include "client/call_error.hpp"

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
    case ErrorCode::kSearchFailed:
    case ErrorCode::kInternal:
      return ExitCode::kFailed;
  }
  return ExitCode::kFailed;
}

ExitCode exit_code_of(const Error& error) {
  const auto* call = dynamic_cast<const client::CallError*>(&error);
  const bool refused = call != nullptr && (call->status() == grpc::StatusCode::UNAUTHENTICATED ||
                                           call->status() == grpc::StatusCode::PERMISSION_DENIED);
  return refused ? ExitCode::kAuthentication : exit_code_of(error.code());
}

const char* exit_code_help() {
  return "Exit codes:\n"
         "  0    done\n"
         "  1    the search failed or was cancelled, or a defect of hwnas\n"
         "  2    wrong command line, configuration or input\n"
         "  3    a named file, run, device or job does not exist\n"
         "  4    hwnasd does not know the caller, or does not let it do this\n"
         "  5    something needed cannot be reached now\n"
         "  75   try again: another process holds the run, or disk, memory or a quota is used up\n"
         "  130  interrupted by Ctrl-C or SIGTERM; `hwnas resume` or `hwnas watch` goes on";
}

}  // namespace hwnas::cli
