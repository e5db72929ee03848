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

  /// The listener must be quick and must not throw.
  void add(Listener listener) {
    const std::lock_guard lock(mutex_);
    listeners_.push_back(std::move(listener));
  }
  /// After it has returned, no listener is called any more.
  void clear() {
    const std::lock_guard lock(mutex_);
    listeners_.clear();
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
