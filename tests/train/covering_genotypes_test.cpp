#include "train/covering_genotypes.hpp"

#include <gmock/gmock.h>

#include "core/rng.hpp"
#include "nn/shared_parameters.hpp"
#include "train/path_sampler.hpp"

namespace hwnas::train {
namespace {

struct ShippedSpace {
  const char* name;
  spaces::Task task;
};
const ShippedSpace kShipped[] = {
    {"conv1d_series", {{1, 1, 150}, 2}}, {"dscnn_kws", {{1, 49, 10}, 12}},
    {"mobile_mcu", {{1, 28, 28}, 10}},   {"mobile_phone", {{3, 224, 224}, 10}},
    {"mobile_tiny", {{1, 28, 28}, 10}},  {"nasbench201", {{3, 32, 32}, 10}},
    {"resnet_cifar", {{3, 32, 32}, 10}}, {"resnet_small", {{1, 28, 28}, 10}}};

class EveryShippedSpace : public testing::TestWithParam<ShippedSpace> {
 protected:
  const std::unique_ptr<spaces::SearchSpace> space_ = spaces::make_space(
      Config::load(std::string(HWNAS_SOURCE_DIR "/configs/spaces/") + GetParam().name + ".yaml"),
      GetParam().task);
};

TEST_P(EveryShippedSpace, HasRoomForAllOfItsNetworks) {
  nn::SharedParameters shared;
  for (const spaces::Genotype& genotype : covering_genotypes(*space_, 1)) {
    shared.cover(space_->decode(genotype));
  }
  Rng rng(2);
  for (int i = 0; i < 50; ++i) {
    const spaces::Genotype genotype = spaces::sample(*space_, rng);
    EXPECT_NO_THROW(shared.select(space_->decode(genotype))) << spaces::to_string(genotype);
  }
}

TEST_P(EveryShippedSpace, EndsWithItsLargestNetwork) {
  EXPECT_EQ(covering_genotypes(*space_, 1).back(), largest_genotype(*space_));
}

INSTANTIATE_TEST_SUITE_P(Spaces, EveryShippedSpace, testing::ValuesIn(kShipped),
                         [](const auto& space) { return std::string(space.param.name); });

}  // namespace
}  // namespace hwnas::train
