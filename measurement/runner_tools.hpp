#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "core/process.hpp"
#include "measurement/artifact.hpp"
#include "measurement/measurement.hpp"

/// What runners share; users of runners need none of it.
namespace hwnas::measurement {

/// A record about the artifact that has no numbers yet.
Measurement begun(const Artifact& artifact, std::string_view runner, estimators::Origin origin);
/// The record as that of a failure; numbers that it has stay, but are not to be relied on.
Measurement failed(Measurement measurement, Status status, std::string reason);

/// Like run_process, but throws Cancelled where it was stopped on request.
ProcessResult run_or_cancel(const ProcessRequest& request, std::stop_token stop);

/// kCrashed, kTimedOut, kRubbish (too much output), or kConnectionLost where the program could not
/// be started at all. The process must not have succeeded.
Status status_of(const ProcessResult& result);

/// How the program ended and the end of what it said, on one line, for Measurement::reason.
std::string reason_of(const ProcessRequest& request, const ProcessResult& result);

/// The last `max_bytes` of a text without the white space around it, on one line.
std::string tail(std::string_view text, std::size_t max_bytes = 400);

}  // namespace hwnas::measurement
