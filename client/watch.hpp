#pragma once

#include <functional>
#include <stop_token>
#include <string>

#include "client/search_client.hpp"

namespace hwnas::client {

struct WatchOptions {
  std::int64_t after_revision = 0;  ///< of the last event known; 0: from the beginning
  std::stop_token stop = {};        ///< ends the watching, never the job
  /// Called when the stream breaks, with why; once until it has gone on.
  std::function<void(const std::string& reason)> on_cut = {};
};

/// Calls `on_event` with each event of a job, in order and each once, until the job is final, and
/// returns the job then. Cuts are bridged: of the connection, and by restarts of hwnasd. Throws
/// CallError; Cancelled when a stop is requested.
v1::SearchJob watch(const SearchClient& client, std::string_view job, const WatchOptions& options,
                    const std::function<void(const v1::WatchSearchJobResponse&)>& on_event);

}  // namespace hwnas::client
