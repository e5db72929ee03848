#include "measurement/runner_tools.hpp"

#include <cassert>

#include "core/error.hpp"
#include "core/text.hpp"

namespace hwnas::measurement {

Measurement begun(const Artifact& artifact, std::string_view runner, estimators::Origin origin) {
  Measurement measurement;
  measurement.network = artifact.name;
  measurement.network_hash = artifact.network_hash;
  measurement.artifact_sha256 = sha256_of(artifact);
  measurement.runner = runner;
  measurement.origin = origin;
  return measurement;
}

Measurement failed(Measurement measurement, Status status, std::string reason) {
  measurement.status = status;
  measurement.reason = std::move(reason);
  return measurement;
}

ProcessResult run_or_cancel(const ProcessRequest& request, std::stop_token stop) {
  ProcessResult result = run_process(request, std::move(stop));
  if (result.end == ProcessEnd::kCancelled) {
    throw error(ErrorCode::kCancelled, "{}", how_it_ended(request, result));
  }
  return result;
}

Status status_of(const ProcessResult& result) {
  assert(!result.succeeded());
  switch (result.end) {
    case ProcessEnd::kTimedOut:
      return Status::kTimedOut;
    case ProcessEnd::kTooMuchOutput:
      return Status::kRubbish;
    case ProcessEnd::kNotStarted:
      return Status::kConnectionLost;
    default:
      return Status::kCrashed;
  }
}

std::string reason_of(const ProcessRequest& request, const ProcessResult& result) {
  const std::string end = how_it_ended(request, result);
  const std::string said = tail(result.errors.empty() ? result.output : result.errors);
  return said.empty() ? end : fmt::format("{}: {}", end, said);
}

std::string tail(std::string_view text, std::size_t max_bytes) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t end = text.find_last_not_of(kSpace);
  if (end == std::string_view::npos) return {};
  text = text.substr(0, end + 1);
  if (text.size() > max_bytes) text.remove_prefix(text.size() - max_bytes);
  return one_line(text.substr(std::min(text.find_first_not_of(kSpace), text.size() - 1)));
}

}  // namespace hwnas::measurement
