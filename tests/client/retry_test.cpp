#include "client/retry.hpp"

#include <gtest/gtest.h>

namespace hwnas::client {
namespace {

using namespace std::chrono_literals;

const Backoff::Clock::time_point kStart{};

TEST(Backoff, WaitsTwiceAsLongEachTimeUpToABoundAndDrawsFromTheUpperHalf) {
  const RetryPolicy policy{.first_delay = 100ms, .max_delay = 400ms};
  Backoff backoff(policy, 1h, 7);
  for (const auto longest : {100ms, 200ms, 400ms, 400ms, 400ms}) {
    const auto wait = backoff.next(0ms, kStart);
    ASSERT_TRUE(wait);
    EXPECT_GE(*wait, longest / 2);
    EXPECT_LE(*wait, longest);
  }
}

TEST(Backoff, OfTwoClientsIsNotTheSame) {
  const RetryPolicy policy{.first_delay = 1'000'000ms};
  EXPECT_NE(Backoff(policy, 1h, 1).next(0ms, kStart), Backoff(policy, 1h, 2).next(0ms, kStart));
}

TEST(Backoff, WaitsAsLongAsTheServerAsks) {
  Backoff backoff({.first_delay = 1ms}, 1h, 7);
  EXPECT_EQ(backoff.next(3s, kStart), 3s);
}

TEST(Backoff, EndsWhenTheNextTryWouldBeTooLate) {
  Backoff backoff({.first_delay = 100ms, .max_delay = 100ms}, 1s, 7);
  EXPECT_TRUE(backoff.next(0ms, kStart));
  EXPECT_TRUE(backoff.next(0ms, kStart + 900ms));
  EXPECT_FALSE(backoff.next(0ms, kStart + 990ms));
}

TEST(Backoff, DoesNotWaitForAServerThatAsksForAges) {
  Backoff backoff({}, 1s, 7);
  EXPECT_FALSE(backoff.next(std::chrono::milliseconds::max(), kStart));
}

}  // namespace
}  // namespace hwnas::client
