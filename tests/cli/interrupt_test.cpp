#include "cli/interrupt.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <future>

namespace hwnas::cli {
namespace {

TEST(InterruptGuard, TurnsTheFirstSignalIntoAStopRequest) {
  for (const int number : {SIGINT, SIGTERM}) {
    std::promise<void> called;
    InterruptGuard guard([&] { called.set_value(); });
    EXPECT_FALSE(guard.token().stop_requested());
    std::raise(number);
    called.get_future().wait();
    EXPECT_TRUE(guard.token().stop_requested());
  }
}

TEST(InterruptGuardDeathTest, EndsTheProcessAtTheSecondSignal) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        InterruptGuard guard([] {});
        std::raise(SIGINT);
        std::raise(SIGINT);
      },
      testing::ExitedWithCode(130), "");
}

TEST(InterruptGuardDeathTest, LeavesSignalsDeadlyWhenItIsGone) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        {
          InterruptGuard guard([] {});
        }
        std::raise(SIGTERM);
      },
      testing::KilledBySignal(SIGTERM), "");
}

}  // namespace
}  // namespace hwnas::cli
