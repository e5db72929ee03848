#pragma once

#include <grpcpp/support/server_callback.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "hwnas/v1/search_service.grpc.pb.h"
#include "service/server_parts.hpp"

namespace hwnas::service {

class WatchStream;

/// All open streams of WatchSearchJob. Thread-safe.
///
/// A stream holds no events: when there are new ones it reads them from the log, at the pace of its
/// client, so a slow client costs nothing, and one that continues from a revision misses nothing.
class Watchers {
 public:
  explicit Watchers(ServerParts& parts,
                    std::chrono::milliseconds heartbeat = std::chrono::seconds(15));
  /// All streams must have ended.
  ~Watchers();
  Watchers(const Watchers&) = delete;
  Watchers& operator=(const Watchers&) = delete;

  /// The stream of one call.
  grpc::ServerWriteReactor<v1::WatchSearchJobResponse>* open(
      const v1::WatchSearchJobRequest& request, const Credentials& credentials);
  /// That these jobs have new events.
  void notify(const std::vector<std::int64_t>& uids);
  /// Ends all streams with UNAVAILABLE, and each that is opened from now on.
  void close();
  std::size_t size() const;

 private:
  friend class WatchStream;
  /// Throws QuotaExceeded.
  void add(std::int64_t uid, const std::string& tenant, WatchStream& stream);
  void remove(std::int64_t uid, const std::string& tenant, WatchStream& stream);
  bool closing() const;
  void send_heartbeats();

  ServerParts& parts_;
  const std::chrono::milliseconds heartbeat_;
  mutable std::mutex mutex_;
  std::unordered_map<std::int64_t, std::set<WatchStream*>> streams_;
  std::unordered_map<std::string, int> streams_of_tenant_;
  bool closing_ = false;
  std::condition_variable closed_;
  std::thread clock_;
};

}  // namespace hwnas::service
