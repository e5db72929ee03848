#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace hwnas::service {

/// A few threads for what calls need of disk and processor, so that gRPC's own never wait.
/// Thread-safe.
class WorkerPool {
 public:
  using Work = std::function<void()>;
  /// A `nice` for what may take long, so that it delays nothing else.
  static constexpr int kLowPriority = 10;

  /// `nice`: of its threads, beside that of the process (see nice(2)).
  WorkerPool(int threads, std::size_t max_waiting, int nice = 0);
  /// Does what waits.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  /// `work` must not throw. Throws Unavailable if too much waits already.
  void submit(Work work);
  /// The same for what must go on, however much waits.
  void submit_always(Work work);

 private:
  void serve(int nice);

  const std::size_t max_waiting_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Work> waiting_;
  bool closing_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace hwnas::service
