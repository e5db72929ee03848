#pragma once

#include <tbb/global_control.h>
#include <tbb/task_arena.h>

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <stop_token>

namespace hwnas {

/// Runs tasks on a fixed number of workers (oneTBB), each on one thread, roughly in the order of
/// submission. submit() is for one thread.
class Executor {
 public:
  /// `drain`: when it is asked to stop, so are the running tasks.
  Executor(int workers, std::stop_token drain);
  /// Asks the running tasks to stop, and waits for all of them.
  ~Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  /// `task` gets the number of its worker (0 …) and a token that it should look at now and then; it
  /// must not throw.
  void submit(std::function<void(int worker, std::stop_token stop)> task);

 private:
  tbb::global_control parallelism_;
  tbb::task_arena arena_;
  std::stop_source stop_;
  std::stop_callback<std::function<void()>> on_drain_;
  std::mutex mutex_;
  std::condition_variable finished_;
  int unfinished_ = 0;  ///< guarded by mutex_
};

/// task(0) … task(count - 1) on the executor's workers, to the last one, whatever is drained. Then
/// throws what the first of them has thrown, if any has.
void run_all(Executor& executor, std::size_t count, const std::function<void(std::size_t)>& task);

}  // namespace hwnas
