#include "service/worker_pool.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include "core/error.hpp"

namespace hwnas::service {

WorkerPool::WorkerPool(int threads, std::size_t max_waiting, int nice) : max_waiting_(max_waiting) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this, nice] { serve(nice); });
}

WorkerPool::~WorkerPool() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  arrived_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void WorkerPool::submit(Work work) {
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() >= max_waiting_) {
      throw error(ErrorCode::kUnavailable, "{} calls wait to be answered; try again",
                  waiting_.size());
    }
    waiting_.push_back(std::move(work));
  }
  arrived_.notify_one();
}

void WorkerPool::submit_always(Work work) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(work));
  }
  arrived_.notify_one();
}

void WorkerPool::serve(int nice) {
  // Of this thread alone, as Linux has it.
  const auto self = static_cast<id_t>(::gettid());
  ::setpriority(PRIO_PROCESS, self, ::getpriority(PRIO_PROCESS, self) + nice);
  while (true) {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [&] { return closing_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    const Work work = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    work();
  }
}

}  // namespace hwnas::service
