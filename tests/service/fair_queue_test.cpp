#include "service/fair_queue.hpp"

#include <gmock/gmock.h>

#include <vector>

namespace hwnas::service {
namespace {

using testing::ElementsAre;

std::vector<std::int64_t> drain(FairQueue& queue) {
  std::vector<std::int64_t> order;
  while (const auto uid = queue.pop({}, 1)) order.push_back(*uid);
  return order;
}

TEST(FairQueue, TenantsTakeTurnsHoweverManyJobsOneHas) {
  FairQueue queue;
  for (int uid = 1; uid <= 4; ++uid) queue.push("acme", 0, uid);
  queue.push("bolt", 0, 5);
  queue.push("cast", 0, 6);
  EXPECT_THAT(drain(queue), ElementsAre(1, 5, 6, 2, 3, 4));
}

TEST(FairQueue, WithinATenantPriorityComesBeforeAge) {
  FairQueue queue;
  queue.push("acme", 0, 1);
  queue.push("acme", 5, 3);
  queue.push("acme", 5, 2);
  queue.push("acme", -5, 4);
  EXPECT_THAT(drain(queue), ElementsAre(2, 3, 1, 4));
}

TEST(FairQueue, ATenantWithAllItsJobsRunningIsPassedOver) {
  FairQueue queue;
  queue.push("acme", 0, 1);
  queue.push("bolt", 0, 2);
  EXPECT_EQ(queue.pop({{"acme", 2}}, 2), 2);
  EXPECT_EQ(queue.pop({{"acme", 2}}, 2), std::nullopt);
  EXPECT_EQ(queue.pop({{"acme", 1}}, 2), 1);
}

TEST(FairQueue, AnErasedJobDoesNotCome) {
  FairQueue queue;
  queue.push("acme", 0, 1);
  queue.push("acme", 0, 2);
  queue.erase(1);
  EXPECT_EQ(queue.size(), 1u);
  EXPECT_THAT(drain(queue), ElementsAre(2));
}

}  // namespace
}  // namespace hwnas::service
