#include "measurement/batch.hpp"

#include <gmock/gmock.h>

#include <map>

#include "core/error.hpp"
#include "tests/core/temporary_folder.hpp"
#include "tests/measurement/artifacts.hpp"

namespace hwnas::measurement {
namespace {

using testing::Each;
using testing::ElementsAreArray;
using testing::HasSubstr;
using testing::Not;
using testing::UnorderedElementsAreArray;

/// Says that a network takes as many ms as its name says, times the device's state.
class FakeRunner : public Runner {
 public:
  std::string_view name() const override { return "fake"; }
  Measurement measure(const Artifact& artifact, std::stop_token) override {
    asked.push_back(artifact.name);
    Measurement result = begun(artifact, name(), estimators::Origin::kMeasured);
    const auto count = static_cast<int>(asked.size());
    if (failing.contains(count)) return failed(std::move(result), failing.at(count), "by order");
    result.status = Status::kOk;
    const double scale = scale_of ? scale_of(count) : 1;
    result.latency = estimators::summarize(
        {std::stod(artifact.name.substr(artifact.name.find('_') + 1)) * scale});
    return result;
  }

  std::vector<std::string> asked;
  std::map<int, Status> failing;  ///< by the number of the call, from 1
  std::function<double(int call)> scale_of;
};

class Batches : public testing::Test {
 protected:
  Batches() {
    for (int i = 1; i <= 10; ++i) artifacts_.push_back(artifact(fmt::format("net_{}", i)));
    options_.reference = artifact("reference_100");
    options_.reference_every = 4;
    options_.record = [&](const Measurement& measurement) { recorded_.push_back(measurement); };
  }
  Artifact artifact(const std::string& name) const {
    write_file_atomically(folder_.path() / name, name);
    return artifact_of(folder_.path() / name);
  }
  Batch run() { return measure_all(runner_, artifacts_, options_); }

  const TemporaryFolder folder_;
  std::vector<Artifact> artifacts_;
  BatchOptions options_;
  FakeRunner runner_;
  std::vector<Measurement> recorded_;
};

std::vector<double> medians(const Batch& batch) {
  std::vector<double> values;
  for (const Measurement& measurement : batch.measurements) values.push_back(measurement.value());
  return values;
}

std::vector<std::string> names(const std::vector<Measurement>& measurements) {
  std::vector<std::string> values;
  for (const Measurement& measurement : measurements) values.push_back(measurement.network);
  return values;
}

TEST_F(Batches, MeasureTheReferenceFirstEveryFewNetworksAndLast) {
  const Batch batch = run();
  EXPECT_THAT(medians(batch), ElementsAreArray({1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
  ASSERT_EQ(runner_.asked.size(), 14);
  for (const std::size_t place : {0, 5, 10, 13}) {
    EXPECT_EQ(runner_.asked[place], "reference_100") << place;
  }
  EXPECT_EQ(batch.references.size(), 4);
  EXPECT_EQ(batch.remeasured, 0);
}

TEST_F(Batches, MeasureInARandomOrderThatTheSeedDecides) {
  run();
  const std::vector<std::string> first = std::exchange(runner_.asked, {});
  run();
  EXPECT_EQ(std::exchange(runner_.asked, {}), first);
  options_.seed = 2;
  run();
  EXPECT_NE(runner_.asked, first);
  EXPECT_THAT(runner_.asked, UnorderedElementsAreArray(first));
  EXPECT_THAT(first, Not(ElementsAreArray(names(run().measurements))));
}

TEST_F(Batches, MeasureAgainWhatTheDeviceDriftedAround) {
  runner_.scale_of = [](int call) { return call >= 3 && call <= 6 ? 1.3 : 1.0; };
  const Batch batch = run();
  EXPECT_THAT(medians(batch), ElementsAreArray({1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
  EXPECT_EQ(batch.remeasured, 4);
  for (const Measurement& measurement : batch.measurements) {
    EXPECT_DOUBLE_EQ(measurement.reference_drift.value_or(1), 0);
  }
}

TEST_F(Batches, FailWhatDriftsAtEveryAttempt) {
  runner_.scale_of = [](int call) { return call >= 7 ? 1.03 : 1.0; };
  const Batch batch = run();
  int drifted = 0;
  for (const Measurement& measurement : batch.measurements) {
    if (measurement.status != Status::kDrifted) continue;
    ++drifted;
    EXPECT_THAT(measurement.reason, HasSubstr("+3.0 %"));
    EXPECT_NEAR(measurement.reference_drift.value_or(0), 0.03, 1e-9);
  }
  EXPECT_EQ(drifted, 6);
}

TEST_F(Batches, BearADriftWithinTheLimit) {
  runner_.scale_of = [](int call) { return 1 + 0.001 * call; };
  EXPECT_EQ(run().remeasured, 0);
}

TEST_F(Batches, KeepFailuresAsResults) {
  runner_.failing = {{2, Status::kCrashed}, {3, Status::kTimedOut}};
  const Batch batch = run();
  std::map<Status, int> count;
  for (const Measurement& measurement : batch.measurements) ++count[measurement.status];
  EXPECT_EQ(count[Status::kOk], 8);
  EXPECT_EQ(count[Status::kCrashed], 1);
  EXPECT_EQ(count[Status::kTimedOut], 1);
}

TEST_F(Batches, CallNothingComparableWhenTheReferenceFailsAfterIt) {
  runner_.failing = {{6, Status::kConnectionLost}, {11, Status::kConnectionLost}};
  const Batch batch = run();
  std::map<Status, int> count;
  for (const Measurement& measurement : batch.measurements) ++count[measurement.status];
  EXPECT_EQ(count[Status::kDrifted], 4);
  EXPECT_EQ(count[Status::kOk], 6);
}

TEST_F(Batches, DoNotStartWithoutAReference) {
  runner_.failing = {{1, Status::kConnectionLost}};
  try {
    run();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kFailedPrecondition);
    EXPECT_THAT(error.what(), HasSubstr("'reference_100' cannot be measured by 'fake'"));
  }
}

TEST_F(Batches, GoOnWhereTheyWereInterrupted) {
  const Batch whole = run();
  const std::vector<Measurement> journal = std::exchange(recorded_, {});
  const std::vector<std::string> order = std::exchange(runner_.asked, {});
  // After any number of records: what holds is not measured again, and the baseline stays.
  for (std::size_t kept = 0; kept <= journal.size(); ++kept) {
    options_.recorded.assign(journal.begin(), journal.begin() + static_cast<std::ptrdiff_t>(kept));
    runner_.asked.clear();
    EXPECT_EQ(medians(run()), medians(whole));
    for (const Measurement& measurement : options_.recorded) {
      if (measurement.network == "reference_100") continue;
      EXPECT_THAT(runner_.asked, Each(Not(measurement.network)));
    }
    EXPECT_EQ(runner_.asked.empty(), kept == journal.size());
  }
}

TEST_F(Batches, MeasureAgainWhatWasRecordedOfOtherFiles) {
  run();
  options_.recorded = recorded_;
  write_file_atomically(artifacts_[2].main_file(), "changed");
  runner_.asked.clear();
  run();
  EXPECT_THAT(runner_.asked, ElementsAreArray({"net_3", "reference_100"}));
}

TEST_F(Batches, CompareWithTheBaselineFromBeforeTheInterruption) {
  run();
  options_.recorded = {recorded_.front()};
  runner_.scale_of = [](int) { return 1.1; };
  for (const Measurement& measurement : run().measurements) {
    EXPECT_EQ(measurement.status, Status::kDrifted);
  }
}

TEST_F(Batches, RefuseNamesThatAreThereTwice) {
  artifacts_.push_back(artifacts_.front());
  EXPECT_THROW(run(), Error);
}

}  // namespace
}  // namespace hwnas::measurement
