#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

namespace hwnas::service {

/// Passes on which jobs (uids) have new events. Thread-safe.
class EventListeners {
 public:
  using Listener = std::function<void(const std::vector<std::int64_t>&)>;

  /// The listener must be quick, must not throw, and must live as long as the store of jobs does.
  void add(Listener listener) {
    const std::lock_guard lock(mutex_);
    listeners_.push_back(std::move(listener));
  }
  void publish(const std::vector<std::int64_t>& uids) const {
    const std::lock_guard lock(mutex_);
    for (const Listener& listener : listeners_) listener(uids);
  }

 private:
  mutable std::mutex mutex_;
  std::vector<Listener> listeners_;
};

}  // namespace hwnas::service
