#include "engine/rank_check_networks.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <set>

#include "engine/inputs.hpp"
#include "tests/engine/sample_run.hpp"

namespace hwnas::engine {
namespace {

class RankCheckNetworksTest : public testing::Test {
 protected:
  std::vector<spaces::Genotype> networks(std::size_t count, std::vector<std::string> sets = {}) {
    experiment_ = Experiment::load(write_wave_experiment(folder_), sets);
    inputs_ = load_inputs(experiment_);
    Rng rng(1);
    return rank_check_networks(*inputs_.space, CostModels(experiment_), count, rng);
  }
  double macs(const spaces::Genotype& genotype) const {
    return static_cast<double>(ir::macs(inputs_.space->decode(genotype)));
  }

  const TemporaryFolder folder_;
  Experiment experiment_;
  Inputs inputs_;
};

TEST_F(RankCheckNetworksTest, AreOfEverySizeWithinTheLimits) {
  const std::vector<spaces::Genotype> networks = this->networks(12);
  ASSERT_EQ(networks.size(), 12U);
  EXPECT_EQ(std::set(networks.begin(), networks.end()).size(), 12U);
  const double step = std::log(macs(networks.back()) / macs(networks.front())) / 11;
  for (std::size_t i = 0; i < networks.size(); ++i) {
    EXPECT_LE(macs(networks[i]), 30000);
    const double even = static_cast<double>(i) * step;
    EXPECT_NEAR(std::log(macs(networks[i]) / macs(networks.front())), even, step);
  }
}

TEST_F(RankCheckNetworksTest, AreAllThatThereAreIfTheyAreFew) {
  const std::string space =
      "space.stages=[ { depth: 1, channels: [ 4, 8 ], kernel: [ 3, 5 ], stride: 1 } ]";
  EXPECT_EQ(networks(12, {space}).size(), 4U);
}

TEST_F(RankCheckNetworksTest, AreNoneIfAllBreakLimits) {
  EXPECT_TRUE(networks(12, {"limits.macs=1"}).empty());
}

}  // namespace
}  // namespace hwnas::engine
