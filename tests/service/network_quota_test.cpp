#include "service/network_quota.hpp"

#include <gmock/gmock.h>

#include "core/error.hpp"

namespace hwnas::service {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kSmall =
    "{ family: resnet, stem: { channels: 8 }, stages: [ { depth: 1, channels: 8 } ] }";

/// What is said to a space, for data of this shape if one is given.
std::string refusal_of(const std::string& space, std::optional<spaces::Task> task = {},
                       const NetworkQuota& quota = {}) {
  engine::Experiment experiment;
  experiment.space = Config::parse(space, "space");
  experiment.task_without_data = task;
  try {
    require_within(quota, experiment);
  } catch (const Error& failure) {
    EXPECT_EQ(failure.code(), ErrorCode::kInvalidArgument);
    return failure.what();
  }
  return "accepted";
}

TEST(NetworkQuota, TakesSpacesOfUsualNetworks) {
  EXPECT_EQ(refusal_of(kSmall), "accepted");
  EXPECT_EQ(refusal_of(kSmall, spaces::Task{{3, 224, 224}, 1000}), "accepted");
  EXPECT_EQ(refusal_of("{ family: conv1d, stages: [ { channels: [ 8, 64 ], kernel: 5 } ] }"),
            "accepted");
  EXPECT_EQ(refusal_of("{ family: nasbench201 }"), "accepted");
}

TEST(NetworkQuota, RefusesParametersOfTheLargestNetworkWithItsPlace) {
  const std::string refusal = refusal_of(
      "{ family: conv1d, stages: [ { depth: [ 1, 6 ], channels: [ 4, 4096 ], kernel: 15 } ] }");
  EXPECT_THAT(refusal, StartsWith("space:1:1: "));
  EXPECT_THAT(refusal, HasSubstr("up to 1.26e+09 parameters, and 1e+08 are the most"));
}

TEST(NetworkQuota, TriesChoicesThatDoNotGrow) {
  // The last option of "separable" is the cheap one.
  EXPECT_THAT(refusal_of("{ family: conv1d, stages: [ { depth: 6, channels: 4096, kernel: 15, "
                         "separable: [ false, true ] } ] }"),
              HasSubstr("up to 1.26e+09 parameters"));
}

TEST(NetworkQuota, RefusesWorkAndActivationsOfLargeImages) {
  const spaces::Task photograph{{3, 4096, 4096}, 10};
  EXPECT_THAT(refusal_of(kSmall, photograph, {.macs = 1'000'000'000}),
              HasSubstr("multiply-accumulates a sample, and 1e+09 are the most"));
  EXPECT_THAT(refusal_of(kSmall, photograph),
              HasSubstr("bytes of activations a sample, and 1.07e+09 are the most"));
}

TEST(NetworkQuota, RefusesSumsThatNoIntegerHolds) {
  std::string stages;
  for (int i = 0; i < 16; ++i) stages += "{ depth: 32, channels: 4096 }, ";
  EXPECT_THAT(refusal_of("{ family: resnet, stem: { channels: 4096 }, stages: [ " + stages + " ] }",
                         spaces::Task{{3, 256, 256}, 10}),
              HasSubstr("parameters, and 1e+08 are the most"));
}

}  // namespace
}  // namespace hwnas::service
