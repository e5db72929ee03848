#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "process.hpp"

namespace hwnas::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;

/// A device that takes a millisecond, and a microsecond for every 100 bytes of the C export.
std::string plan(const std::string& name) {
  const std::string device = temporary_file(
      name + ".sh", "#!/bin/sh\necho took $(( 1000 + $(wc -c < \"$1\") / 100 )) us\n");
  std::filesystem::permissions(device, std::filesystem::perms::owner_all);
  std::filesystem::remove_all(device + ".work");
  return temporary_file(name + ".yaml",
                        "version: 1\nname: " + name + R"(
device: { name: stm32f746, runtime: hwnas_c }
space:
  family: conv1d
  stages: [ { depth: [ 1, 2 ], channels: [ 4, 8, 16 ], kernel: [ 3, 5 ], stride: [ 1, 2 ] } ]
input: [ 1, 1, 32 ]
classes: 3
networks: 6
held_back: 3
measurement:
  with: { runner: command, command: [ ')" +
                            device + R"(', '{artifact}' ], pattern: 'took ([0-9]+) us', unit: us }
)");
}

std::vector<std::string> profile(const std::string& plan_file, std::vector<std::string> more = {}) {
  const std::string work = plan_file + ".work";
  std::vector<std::string> arguments = {"profile", plan_file, "--work", work, "--to", work};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

TEST(ProfileCommand, LearnsADeviceThatPredictThenKnows) {
  const std::string file = plan("board_a");
  std::filesystem::remove_all(file + ".work");
  const Finished learned = hwnas(profile(file, {"--json"}));
  ASSERT_EQ(learned.exit_code, 0) << learned.err;
  const auto json = nlohmann::json::parse(learned.out);
  EXPECT_EQ(json.at("networks"), 6);
  EXPECT_EQ(json.at("held_back"), 3);
  EXPECT_LT(json.at("mape"), json.at("profile_mape"));
  EXPECT_EQ(json.at("measurements").size(), 9);

  const std::string space = temporary_file(
      "board_a_space.yaml",
      "family: conv1d\nstages: [ { depth: 1, channels: [ 4, 8 ], kernel: 3, stride: 1 } ]\n");
  const Finished predicted =
      hwnas({"predict", space, "--input", "1x1x32", "--classes", "3", "--genotype", "0", "--device",
             json.at("device_file").get<std::string>()});
  EXPECT_EQ(predicted.exit_code, 0) << predicted.err;
  EXPECT_THAT(predicted.out, AllOf(HasSubstr("latency_ms by the model"),
                                   HasSubstr("hwnas profile, "), HasSubstr("6 networks measured")));
}

TEST(ProfileCommand, ShowsTheNetworksHeldBackAndTheirIntervals) {
  const std::string file = plan("board_b");
  std::filesystem::remove_all(file + ".work");
  const Finished learned = hwnas(profile(file));
  ASSERT_EQ(learned.exit_code, 0) << learned.err;
  EXPECT_THAT(learned.out, AllOf(HasSubstr("held back"), HasSubstr("90 % interval"),
                                 HasSubstr("on 3 it had not seen"), HasSubstr("board_b.yaml")));
  EXPECT_THAT(learned.err, HasSubstr("reference: "));
}

TEST(ProfileCommand, TellsMistakesInThePlanWithTheirPlace) {
  const std::string file = temporary_file("wrong_plan.yaml", "version: 1\nname: x\nspac: {}\n");
  const Finished finished = hwnas({"profile", file});
  EXPECT_EQ(finished.exit_code, 2);
  EXPECT_THAT(finished.err, HasSubstr("wrong_plan.yaml:3:1: unknown key 'spac'"));
}

}  // namespace
}  // namespace hwnas::cli
