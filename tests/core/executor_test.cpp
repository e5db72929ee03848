#include "core/executor.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <chrono>
#include <set>
#include <thread>

namespace hwnas {
namespace {

TEST(Executor, RunsEveryTaskBeforeItIsDestroyed) {
  std::atomic<int> ran = 0;
  {
    Executor executor(3, {});
    for (int i = 0; i < 100; ++i) {
      executor.submit([&](int, std::stop_token) { ++ran; });
    }
  }
  EXPECT_EQ(ran, 100);
}

TEST(Executor, RunsAsManyTasksAtOnceAsThereAreWorkers) {
  constexpr int kWorkers = 5;  // more than this machine may have cores
  std::barrier all_at_once(kWorkers);
  std::array<std::atomic<int>, kWorkers> tasks_of_worker{};
  {
    Executor executor(kWorkers, {});
    for (int i = 0; i < kWorkers; ++i) {
      executor.submit([&](int worker, std::stop_token) {
        ++tasks_of_worker.at(static_cast<std::size_t>(worker));
        all_at_once.arrive_and_wait();
      });
    }
  }
  for (const std::atomic<int>& tasks : tasks_of_worker) EXPECT_EQ(tasks, 1);
}

TEST(Executor, NeverRunsMoreTasksAtOnceThanThereAreWorkers) {
  std::atomic<int> running = 0;
  std::atomic<int> most = 0;
  {
    Executor executor(2, {});
    for (int i = 0; i < 50; ++i) {
      executor.submit([&](int, std::stop_token) {
        const int now = ++running;
        int seen = most;
        while (seen < now && !most.compare_exchange_weak(seen, now)) {
        }
        std::this_thread::sleep_for(std::chrono::microseconds(200));
        --running;
      });
    }
  }
  EXPECT_LE(most, 2);
}

TEST(Executor, HandsADrainOnToRunningTasks) {
  std::stop_source drain;
  std::atomic<bool> stopped = false;
  Executor executor(1, drain.get_token());
  executor.submit([&](int, std::stop_token stop) {
    while (!stop.stop_requested()) std::this_thread::yield();
    stopped = true;
    stopped.notify_all();
  });
  drain.request_stop();
  stopped.wait(false);
  EXPECT_TRUE(stopped);
}

TEST(Executor, StopsRunningTasksWhenDestroyed) {
  std::atomic<bool> stopped = false;
  {
    Executor executor(1, {});
    executor.submit([&](int, std::stop_token stop) {
      while (!stop.stop_requested()) std::this_thread::yield();
      stopped = true;
    });
  }
  EXPECT_TRUE(stopped);
}

TEST(RunAll, RunsEveryTaskOnceAndThenThrowsWhatTheFirstHasThrown) {
  Executor executor(3, {});
  std::vector<int> runs(50);
  run_all(executor, runs.size(), [&](std::size_t i) { ++runs[i]; });
  EXPECT_EQ(std::ranges::count(runs, 1), 50);
  try {
    run_all(executor, runs.size(), [&](std::size_t i) {
      ++runs[i];
      if (i % 7 == 3) throw std::runtime_error(std::to_string(i));
    });
    FAIL() << "nothing was thrown";
  } catch (const std::runtime_error& thrown) {
    EXPECT_STREQ(thrown.what(), "3");
  }
  EXPECT_EQ(std::ranges::count(runs, 2), 50);
}

}  // namespace
}  // namespace hwnas
