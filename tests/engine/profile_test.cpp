#include "engine/profile.hpp"

#include <gmock/gmock.h>

#include "core/error.hpp"
#include "core/file.hpp"
#include "estimators/cost_model.hpp"
#include "tests/core/temporary_folder.hpp"

namespace hwnas::engine {
namespace {

using testing::HasSubstr;

/// A device whose latency is a millisecond plus a microsecond for 100 bytes of the C export.
std::filesystem::path write_plan(const TemporaryFolder& folder) {
  const auto script = folder.write("device.sh", R"(#!/bin/sh
echo "$1" >> "$(dirname "$0")/calls"
echo "took $(( 1000 + $(wc -c < "$1") / 100 )) us"
)");
  std::filesystem::permissions(script, std::filesystem::perms::owner_all);
  return folder.write("board.yaml", fmt::format(R"(version: 1
name: board
device: {{ name: stm32f746, runtime: hwnas_c }}
space:
  family: conv1d
  stages: [ {{ depth: [ 1, 2 ], channels: [ 4, 8, 16 ], kernel: [ 3, 5 ], stride: [ 1, 2 ] }} ]
input: [ 1, 1, 32 ]
classes: 3
networks: 8
held_back: 4
reference_every: 4
measurement:
  with: {{ runner: command, command: [ '{}', '{{artifact}}' ], pattern: 'took ([0-9]+) us', unit: us }}
)",
                                                script.string()));
}

std::size_t calls(const TemporaryFolder& folder) {
  const std::string text = read_file(folder / "calls", 1 << 20);
  return static_cast<std::size_t>(std::ranges::count(text, '\n'));
}

ProfileOptions options_in(const TemporaryFolder& folder) {
  return {.work = folder / "work", .to = folder / "devices"};
}

TEST(Profile, WritesADeviceThatPredictsWhatWasMeasured) {
  const TemporaryFolder folder;
  const ProfileResult result =
      profile_device(ProfilePlan::load(write_plan(folder)), options_in(folder));
  const estimators::DeviceProfile device = estimators::load_device(result.device_file);
  EXPECT_EQ(device.name, "board");
  ASSERT_EQ(device.runtimes.size(), 1U);
  EXPECT_THAT(device.runtimes[0].latency_model_file->source, HasSubstr("8 networks measured"));
  EXPECT_EQ(result.model->quality().held_back, 4);
  EXPECT_LT(result.model->quality().agreement.mape, 0.1);
  EXPECT_LT(result.model->quality().agreement.mape, result.profile_mape);
  EXPECT_THAT(read_file(result.picture_file, 1 << 20), HasSubstr("network_11"));
}

TEST(Profile, GoesOnWhereItWasInterrupted) {
  const TemporaryFolder folder;
  const ProfilePlan plan = ProfilePlan::load(write_plan(folder));
  ProfileOptions options = options_in(folder);
  int attempts = 0;
  ProfileResult result;
  do {
    std::stop_source stop;
    options.stop = stop.get_token();
    options.progress = [&](const Progress& progress) {
      if (progress.message.starts_with("reference")) stop.request_stop();
    };
    result = profile_device(plan, options);
    ASSERT_LT(++attempts, 20);
  } while (result.state == RunState::kInterrupted);
  EXPECT_GT(attempts, 2);
  const std::size_t all = calls(folder);

  options.progress = {};
  const ProfileResult again = profile_device(plan, options);
  EXPECT_EQ(calls(folder), all);
  EXPECT_EQ(again.model->to_text(), result.model->to_text());
}

TEST(Profile, RefusesTheMeasurementsOfAnotherPlan) {
  const TemporaryFolder folder;
  ProfilePlan plan = ProfilePlan::load(write_plan(folder));
  profile_device(plan, options_in(folder));
  plan.text += "# another\n";
  try {
    profile_device(plan, options_in(folder));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kAlreadyExists);
    EXPECT_THAT(error.what(), HasSubstr("another plan"));
  }
}

TEST(Profile, SaysWhyADeviceThatNeverAnswersCannotBeLearned) {
  const TemporaryFolder folder;
  const auto file = write_plan(folder);
  folder.write("device.sh", "#!/bin/sh\necho nothing\n");
  try {
    profile_device(ProfilePlan::load(file), options_in(folder));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kFailedPrecondition);
    EXPECT_THAT(error.what(), HasSubstr("nothing in the output matches"));
  }
}

TEST(ProfilePlan, EveryFileInConfigsLoads) {
  int count = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(HWNAS_SOURCE_DIR "/configs/profiles")) {
    EXPECT_EQ(ProfilePlan::load(entry.path()).name, entry.path().stem().string());
    ++count;
  }
  EXPECT_GT(count, 0);
}

TEST(ProfilePlan, MistakesAreToldWithTheirPlace) {
  const TemporaryFolder folder;
  std::string text = read_file(write_plan(folder), 1 << 20);
  text.replace(text.find("networks: 8"), 11, "networks: 3");
  const auto file = folder.write("board.yaml", text);
  try {
    ProfilePlan::load(file);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("board.yaml:9:11: networks: '3' is not between 5"));
  }
}

}  // namespace
}  // namespace hwnas::engine
