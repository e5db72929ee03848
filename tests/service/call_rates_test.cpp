#include "service/call_rates.hpp"

#include <gtest/gtest.h>

#include "service/quota.hpp"

namespace hwnas::service {
namespace {

using namespace std::chrono_literals;

TEST(CallRates, LetABurstThroughAndThenTheRate) {
  CallRates rates(10);
  const CallRates::Clock::time_point start{};
  for (int call = 0; call < 20; ++call) rates.count("acme", start);
  EXPECT_THROW(rates.count("acme", start), QuotaExceeded);
  EXPECT_THROW(rates.count("acme", start + 90ms), QuotaExceeded);
  rates.count("acme", start + 110ms);
  EXPECT_THROW(rates.count("acme", start + 120ms), QuotaExceeded);
}

TEST(CallRates, CountEachTenantAlone) {
  CallRates rates(1);
  const CallRates::Clock::time_point start{};
  rates.count("acme", start);
  rates.count("acme", start);
  EXPECT_THROW(rates.count("acme", start), QuotaExceeded);
  rates.count("globex", start);
}

TEST(CallRates, LimitNothingAtZero) {
  CallRates rates(0);
  for (int call = 0; call < 100'000; ++call) rates.count("acme");
}

TEST(CallRates, ForgetTenantsOnlyWhenNothingIsLostByIt) {
  CallRates rates(1);
  CallRates::Clock::time_point now{};
  rates.count("acme", now);
  rates.count("acme", now);
  for (int other = 0; other < 30'000; ++other) rates.count("t" + std::to_string(other), now);
  EXPECT_THROW(rates.count("acme", now), QuotaExceeded);
}

}  // namespace
}  // namespace hwnas::service
