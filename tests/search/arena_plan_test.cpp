// The arena of random networks out of every space in configs/spaces: here, because estimators knows
// no spaces.

#include "estimators/arena_plan.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "core/rng.hpp"
#include "estimators/deployment.hpp"
#include "spaces/search_space.hpp"

namespace hwnas::search {
namespace {

constexpr int kNetworks = 12;  // a space

spaces::Task task_of(const std::string& family) {
  if (family == "conv1d") return {{.channels = 9, .height = 1, .width = 128}, 6};
  if (family == "dscnn") return {{.channels = 1, .height = 49, .width = 10}, 12};
  return {{.channels = 3, .height = 32, .width = 32}, 10};
}

TEST(ArenaPlanOfSpaces, IsAsSmallAsThePeakForEveryRandomNetwork) {
  for (const auto& entry :
       std::filesystem::directory_iterator(HWNAS_SOURCE_DIR "/configs/spaces")) {
    const Config options = Config::load(entry.path());
    const auto space = spaces::make_space(options, task_of(options.at("family").as_string()));
    Rng rng(41);
    int tight = 0;
    for (int i = 0; i < kNetworks; ++i) {
      spaces::Genotype genotype;
      for (const spaces::Decision& decision : space->decisions()) {
        genotype.choices.push_back(static_cast<std::uint16_t>(rng.index(decision.options.size())));
      }
      const ir::Network network = estimators::deploy(space->decode(genotype)).network;
      tight += estimators::arena_plan(network).is_tight() ? 1 : 0;
    }
    EXPECT_EQ(tight, kNetworks) << entry.path().stem();
  }
}

}  // namespace
}  // namespace hwnas::search
