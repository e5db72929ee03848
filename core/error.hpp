#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace hwnas {

/// What kind of failure; the names are gRPC's, so that the daemon maps them one to one.
enum class ErrorCode {
  kInvalidArgument,     ///< the input is wrong whatever the state of the system
  kNotFound,            ///< a named thing does not exist
  kAlreadyExists,       ///< a thing to be created is there already
  kFailedPrecondition,  ///< the input may be right, but not in this state (e.g. the run is locked)
  kResourceExhausted,   ///< disk, memory or a quota is used up
  kUnavailable,         ///< try again later
  kCancelled,           ///< the caller asked to stop
  kSearchFailed,        ///< a search or a pass ended without a result; its input was right
  kInternal,            ///< a defect of hwnas or of a library below it
};

/// "invalid argument", "not found", …: for messages and JSON.
std::string_view to_string(ErrorCode code);

/// The one exception type of hwnas. Thrown only when a job or a request cannot go on; a bad
/// candidate is data (see search::TrialState). The message is written for the person who runs the
/// program: the place, the value, and what to do.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

/// Error with a message in fmt's syntax: `throw error(ErrorCode::kNotFound, "no device '{}'",
/// name);`
template <typename... Args>
Error error(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  return {code, fmt::format(format, std::forward<Args>(args)...)};
}

template <typename... Args>
Error invalid_argument(fmt::format_string<Args...> format, Args&&... args) {
  return {ErrorCode::kInvalidArgument, fmt::format(format, std::forward<Args>(args)...)};
}

}  // namespace hwnas
