#include "train/latency.hpp"

#include <gtest/gtest.h>

#include "ir/initial_weights.hpp"
#include "tests/train/toy_problem.hpp"

namespace hwnas::train {
namespace {

TEST(NetworkLatency, IsTheMedianOfManyRuns) {
  const ir::Network network = toy::small_network();
  const auto measured = measure_network_latency(network, ir::initial_weights(network, 1), 1,
                                                {.min_runs = 20, .min_seconds = 0.01});
  EXPECT_GE(measured.runs, 20);
  EXPECT_GT(measured.median_ms, 0);
  EXPECT_LT(measured.median_ms, 50);
  EXPECT_GE(measured.mad_ms, 0);
}

}  // namespace
}  // namespace hwnas::train
