#include "service/submission.hpp"

#include <gmock/gmock.h>

#include "core/error.hpp"
#include "core/file.hpp"
#include "estimators/device.hpp"
#include "tests/service/sample_daemon.hpp"

namespace hwnas::service {
namespace {

using testing::HasSubstr;

class SubmissionTest : public testing::Test {
 protected:
  /// The sample with a piece of it replaced, and what is said to it.
  std::string refusal_of(const std::string& from, const std::string& to) {
    std::string text = sample_.text;
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    try {
      read_submission(text, datasets_);
    } catch (const Error& failure) {
      return failure.what();
    }
    return "accepted";
  }

  /// The sample with pieces of it replaced.
  std::string with(const std::vector<std::pair<std::string, std::string>>& pieces) const {
    std::string text = sample_.text;
    for (const auto& [from, to] : pieces) {
      const std::size_t at = text.find(from);
      EXPECT_NE(at, std::string::npos) << from;
      text.replace(at, from.size(), to);
    }
    return text;
  }

  const TemporaryFolder folder_;
  const SampleExperiment sample_ = write_sample_experiment(folder_);
  const Datasets datasets_{sample_.datasets};
};

TEST_F(SubmissionTest, TheDataSetsReaderStandsInThePlaceOfItsName) {
  const Submission submission = read_submission(sample_.text, datasets_);
  EXPECT_EQ(submission.config.at("data").at("name").as_string(), "csv_series");
  EXPECT_EQ(submission.config.at("data").at("train").as_string(), (folder_ / "train.csv").string());
  EXPECT_EQ(submission.experiment.trials, 20u);
}

TEST_F(SubmissionTest, WhatReachesForFilesOrProgramsOfTheServerIsRefusedWithItsPlace) {
  const char* refused = "cannot name files or programs";
  EXPECT_THAT(refusal_of("name: stm32f746", "file: /etc/passwd"), HasSubstr(refused));
  EXPECT_THAT(refusal_of("family: conv1d", "file: ../secret.yaml"), HasSubstr(refused));
  EXPECT_THAT(refusal_of("name: train,", "name: table, tables: [ { file: /etc/passwd } ],"),
              HasSubstr(refused));
  EXPECT_THAT(refusal_of("validation_fraction: 0.2",
                         "measurement: { with: { runner: command, command: [ id ] } }"),
              HasSubstr(refused));
  EXPECT_THAT(
      refusal_of("name: stm32f746", "profile: { runtimes: [ { latency_model: /etc/passwd } ] }"),
      testing::AllOf(HasSubstr(refused), testing::StartsWith("experiment:")));
}

TEST_F(SubmissionTest, TheProfileOfATenantsDeviceComesBeforeThoseOfHwnasAndStays) {
  std::string profile =
      read_file(HWNAS_SOURCE_DIR "/configs/devices/rp2040.yaml", std::uintmax_t{1} << 20);
  profile.replace(profile.find("rp2040"), 6, "stm32f746");
  const DeviceProfiles devices = [&](const std::string& name) {
    return name == "stm32f746" ? std::optional(profile) : std::nullopt;
  };
  const Submission submission = read_submission(sample_.text, datasets_, devices);
  const double clock_hz = submission.experiment.device.clock_hz.value;
  EXPECT_EQ(clock_hz, estimators::device_from_config(Config::parse(profile, "p")).clock_hz.value);
  EXPECT_NE(clock_hz, read_submission(sample_.text, datasets_).experiment.device.clock_hz.value);
  const Submission again = read_submission(submission.specification, datasets_);
  EXPECT_EQ(again.experiment.device.clock_hz.value, clock_hz);
  EXPECT_EQ(read_submission(sample_.text, datasets_).specification, sample_.text);
}

TEST_F(SubmissionTest, AllFaultsAreToldOneASection) {
  const std::string text = with({{"data: { name: waves }", "data: { name: wave }"},
                                 {"validation_fraction: 0.2", "validation_fraction: 2\nsead: 3"},
                                 {"trials: 20", "trials: 0"}});
  EXPECT_THAT(
      faults_of_submission(text, datasets_),
      testing::UnorderedElementsAre(HasSubstr("did you mean 'waves'?"), HasSubstr("'sead'"),
                                    HasSubstr("validation_fraction"), HasSubstr("search.trials")));
  EXPECT_THAT(faults_of_submission(sample_.text, datasets_), testing::IsEmpty());
  EXPECT_THAT(faults_of_submission("a: [", datasets_), testing::SizeIs(1));
}

TEST_F(SubmissionTest, FilesThatAreRefusedAreNotOpenedToFindMoreFaults) {
  const std::string text = with({{"name: stm32f746", "file: /etc/passwd"},
                                 {"family: conv1d", "file: /etc/shadow"},
                                 {"trials: 20", "trials: 0"}});
  EXPECT_THAT(faults_of_submission(text, datasets_),
              testing::ElementsAre(
                  testing::AllOf(HasSubstr("space.file"), HasSubstr("cannot name files")),
                  testing::AllOf(HasSubstr("device.file"), HasSubstr("cannot name files"))));
}

TEST_F(SubmissionTest, ReadersAndTheirFilesCanOnlyBeNamedByTheOperator) {
  EXPECT_THAT(refusal_of("data: { name: waves }", "data: { name: csv_series, train: /etc/passwd }"),
              HasSubstr("no data set 'csv_series'"));
  EXPECT_THAT(refusal_of("data: { name: waves }", "data: { name: waves, train: /etc/passwd }"),
              HasSubstr("unknown key"));
}

TEST_F(SubmissionTest, AMisspeltDataSetIsToldWithTheNearest) {
  EXPECT_THAT(refusal_of("name: waves }", "name: wave }"), HasSubstr("did you mean 'waves'?"));
}

}  // namespace
}  // namespace hwnas::service
