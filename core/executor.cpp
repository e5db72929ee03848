#include "core/executor.hpp"

#include <exception>
#include <latch>
#include <utility>
#include <vector>

namespace hwnas {

// TBB starts as many threads as there are cores unless told otherwise; the calling thread, which is
// counted, only waits here.
Executor::Executor(int workers, std::stop_token drain)
    : parallelism_(tbb::global_control::max_allowed_parallelism,
                   static_cast<std::size_t>(workers) + 1),
      arena_(workers, 0),
      on_drain_(std::move(drain), [this] { stop_.request_stop(); }) {}

Executor::~Executor() {
  stop_.request_stop();
  std::unique_lock lock(mutex_);
  finished_.wait(lock, [this] { return unfinished_ == 0; });
}

void Executor::submit(std::function<void(int, std::stop_token)> task) {
  {
    const std::lock_guard lock(mutex_);
    ++unfinished_;
  }
  arena_.enqueue([this, task = std::move(task)] {
    task(tbb::this_task_arena::current_thread_index(), stop_.get_token());
    // Notifying under the lock keeps the destructor, and with it the variable, until it is done.
    const std::lock_guard lock(mutex_);
    --unfinished_;
    finished_.notify_all();
  });
}

void run_all(Executor& executor, std::size_t count, const std::function<void(std::size_t)>& task) {
  std::latch unfinished(static_cast<std::ptrdiff_t>(count));
  std::vector<std::exception_ptr> thrown(count);
  for (std::size_t i = 0; i < count; ++i) {
    executor.submit([&, i](int, std::stop_token) {
      try {
        task(i);
      } catch (...) {
        thrown[i] = std::current_exception();
      }
      unfinished.count_down();
    });
  }
  unfinished.wait();
  for (const std::exception_ptr& exception : thrown) {
    if (exception) std::rethrow_exception(exception);
  }
}

}  // namespace hwnas
