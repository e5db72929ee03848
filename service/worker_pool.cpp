#include "service/worker_pool.hpp"

#include <linux/sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

#include "core/error.hpp"

namespace hwnas::service {
namespace {

/// The system's struct sched_attr, as sched_setattr(2) has it; glibc 2.36 has none.
struct SchedulingAttributes {
  std::uint32_t size = sizeof(SchedulingAttributes);
  std::uint32_t policy = SCHED_NORMAL;
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime_ns = 0;
  std::uint64_t deadline_ns = 0;
  std::uint64_t period_ns = 0;
};

/// Of the calling thread alone. Since Linux 6.6 a thread, however nice, runs to the end of its
/// slice of about 3 ms, even if others become ready; since 6.12 it can ask for a short one.
void yield_to_others(int nice) {
  constexpr std::uint64_t kShortestSliceNs = 100'000;
  SchedulingAttributes attributes;
  attributes.nice = ::getpriority(PRIO_PROCESS, static_cast<id_t>(::gettid())) + nice;
  attributes.runtime_ns = kShortestSliceNs;
  ::syscall(SYS_sched_setattr, 0, &attributes, 0);
}

}  // namespace

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
  if (nice != 0) yield_to_others(nice);
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
