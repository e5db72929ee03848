#include "engine/store.hpp"

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <thread>

#include "tests/core/temporary_folder.hpp"

namespace hwnas::engine {
namespace {

using testing::HasSubstr;

const RunRecord kRun{"name: a\n", "/experiments", "0.1.0", "a processor", "2026-01-01T00:00:00Z",
                     "",          "a model"};

report::MetricValue predicted(const std::string& name, double value) {
  return {name, value, 0.25, estimators::Origin::kPredicted};
}

TrialRecord proposal(std::uint64_t id) {
  TrialRecord trial;
  trial.id = id;
  trial.genotype = {{1, static_cast<std::uint16_t>(id)}};
  trial.description = "choice=1";
  trial.metrics = {predicted("latency_ms", 3.5)};
  return trial;
}

TrialRecord result(std::uint64_t id) {
  TrialRecord trial;
  trial.id = id;
  trial.state = search::TrialState::kComplete;
  trial.metrics = {{"val_top1", 88.5, 0, estimators::Origin::kMeasured}};
  trial.worker = 1;
  trial.start_seconds = 2;
  trial.end_seconds = 4.5;
  return trial;
}

FinalistRecord finalist(std::uint64_t trial, int rank) {
  FinalistRecord finalist;
  finalist.trial = trial;
  finalist.rank = rank;
  finalist.network = "{}";
  return finalist;
}

ErrorCode code_of(const std::function<void()>& action, const std::string& message) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr(message));
    return error.code();
  }
  ADD_FAILURE() << "no error";
  return ErrorCode::kInternal;
}

/// Runs `action` in another process; true if it ended well.
bool in_another_process(const std::function<bool()>& action) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(action() ? 0 : 1);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST(Store, GivesBackWhatItWasGiven) {
  const TemporaryFolder folder;
  {
    Store store = Store::create(folder.path(), kRun);
    TrialRecord infeasible = proposal(1);
    infeasible.state = search::TrialState::kInfeasible;
    infeasible.reason = "macs 9 > 3";
    infeasible.violation = 2;
    store.write({{proposal(0), infeasible}, {}, {}}, 1);
    store.write({{}, {{0, {1, 0.5, 0.6, 80}}, {0, {2, 0.25, 0.5, 88.5}}}, {result(0)}}, 2.5);
  }
  const StoreReader store(folder.path());
  EXPECT_EQ(store.run().experiment, kRun.experiment);
  EXPECT_EQ(store.run().folder, kRun.folder);
  EXPECT_EQ(store.stages().at(1).seconds, 2.5);
  const std::vector<TrialRecord> trials = store.trials();
  ASSERT_EQ(trials.size(), 2U);
  EXPECT_EQ(trials[0].genotype, proposal(0).genotype);
  EXPECT_EQ(trials[0].state, search::TrialState::kComplete);
  EXPECT_EQ(trials[0].worker, 1);
  EXPECT_EQ(trials[0].end_seconds, 4.5);
  ASSERT_EQ(trials[0].metrics.size(), 2U);
  EXPECT_EQ(trials[0].metrics[0].name, "latency_ms");
  EXPECT_EQ(trials[0].metrics[0].standard_deviation, 0.25);
  EXPECT_EQ(trials[0].metrics[0].origin, estimators::Origin::kPredicted);
  EXPECT_EQ(trials[0].metrics[1].value, 88.5);
  ASSERT_EQ(trials[0].curve.size(), 2U);
  EXPECT_EQ(trials[0].curve[1].train_loss, 0.25);
  EXPECT_EQ(trials[1].state, search::TrialState::kInfeasible);
  EXPECT_EQ(trials[1].reason, "macs 9 > 3");
  EXPECT_EQ(trials[1].violation, 2);
}

TEST(Store, GivesBackBothLossesOfTheRankCheck) {
  const TemporaryFolder folder;
  Store store = Store::create(folder.path(), kRun);
  EXPECT_FALSE(store.few_shot());
  store.add_rank_check({{{{0, 1}}, 700, 0.75, {}, "", {}}, {{{1, 1}}, 800, 0.5, {}, "", {}}});
  EXPECT_FALSE(store.rank_check().at(1).few_shot_loss);
  store.finish_rank_check(1, 90.5);
  store.set_few_shot({"stage1.kernel", 0.125});
  store.set_few_shot_losses({0.25, 0.375});
  const std::vector<RankCheckRecord> check = StoreReader(folder.path()).rank_check();
  ASSERT_EQ(check.size(), 2U);
  EXPECT_EQ(check[0].few_shot_loss, 0.25);
  EXPECT_EQ(check[1].few_shot_loss, 0.375);
  EXPECT_EQ(check[1].supernet_loss, 0.5);
  EXPECT_EQ(check[1].parameters, 800);
  EXPECT_EQ(check[1].alone_top1, 90.5);
  EXPECT_FALSE(check[0].alone_top1);
  EXPECT_FALSE(check[0].is_done());
  store.fail_rank_check(0, "loss nan");
  EXPECT_EQ(StoreReader(folder.path()).rank_check().at(0).failure, "loss nan");
  EXPECT_TRUE(StoreReader(folder.path()).rank_check().at(0).is_done());
  EXPECT_EQ(store.few_shot()->decision, "stage1.kernel");
  EXPECT_EQ(store.few_shot()->similarity, 0.125);
}

TEST(Store, KeepsLossesThatAreNotNumbers) {
  const TemporaryFolder folder;
  Store store = Store::create(folder.path(), kRun);
  store.write({{proposal(0)}, {{0, {1, std::nan(""), std::nan(""), 10}}}, {}}, 0);
  EXPECT_TRUE(std::isnan(store.trials().at(0).curve.at(0).train_loss));
}

TEST(Store, KeepsFinalistsAndArtifacts) {
  const TemporaryFolder folder;
  Store store = Store::create(folder.path(), kRun);
  store.write({{proposal(0), proposal(1)}, {}, {result(0), result(1)}}, 0);
  FinalistRecord first = finalist(1, 0);
  first.metrics = {predicted("latency_ms", 3)};
  first.per_layer = {{"latency_ms", {1, 2}}};
  store.add_finalists({first, finalist(0, 1)});
  FinalistRecord trained = finalist(1, 0);
  trained.trained = true;
  trained.weights_file = "w";
  trained.weights_sha256 = "5a";
  trained.metrics = {{"val_top1", 91, 0, estimators::Origin::kMeasured}};
  trained.curve = {{1, 0.5, 0.5, 91}};
  store.finish_finalist(trained);
  store.choose_finalist(1);
  store.set_test_top1(1, 90);
  store.set_test_top1(1, 99);  // too late: test data are looked at once
  store.set_artifacts({{"onnx", "export/a.onnx", "beef", 12}});
  const std::vector<FinalistRecord> finalists = store.finalists();
  ASSERT_EQ(finalists.size(), 2U);
  EXPECT_EQ(finalists[0].trial, 1U);
  EXPECT_TRUE(finalists[0].trained);
  EXPECT_TRUE(finalists[0].chosen);
  EXPECT_EQ(finalists[0].test_top1, 90);
  EXPECT_EQ(finalists[0].metrics.size(), 2U);
  EXPECT_EQ(finalists[0].per_layer.at("latency_ms"), (std::vector<double>{1, 2}));
  EXPECT_EQ(finalists[0].curve.size(), 1U);
  EXPECT_FALSE(finalists[1].trained);
  EXPECT_FALSE(finalists[1].chosen);
  ASSERT_EQ(store.artifacts().size(), 1U);
  EXPECT_EQ(store.artifacts()[0].bytes, 12U);
}

TEST(Store, RefusesAFolderThatHoldsARun) {
  const TemporaryFolder folder;
  { Store::create(folder.path(), kRun); }
  EXPECT_TRUE(holds_run(folder.path()));
  EXPECT_EQ(code_of([&] { Store::create(folder.path(), kRun); }, "holds a run already"),
            ErrorCode::kAlreadyExists);
}

TEST(Store, FindsNoRunInAnEmptyFolder) {
  const TemporaryFolder folder;
  EXPECT_FALSE(holds_run(folder.path()));
  EXPECT_EQ(code_of([&] { Store::open(folder.path()); }, "holds no run"), ErrorCode::kNotFound);
  EXPECT_EQ(code_of([&] { StoreReader reader(folder.path()); }, "holds no run"),
            ErrorCode::kNotFound);
}

TEST(Store, StartsOverWhereACreationWasCutShort) {
  const TemporaryFolder folder;
  folder.write("run.db.partial", "half a");
  folder.write("run.db.partial-journal", "file");
  EXPECT_FALSE(holds_run(folder.path()));
  EXPECT_NO_THROW(Store::create(folder.path(), kRun));
  EXPECT_FALSE(std::filesystem::exists(folder / "run.db.partial"));
}

TEST(Store, IsLockedAgainstOtherProcesses) {
  const TemporaryFolder folder;
  const Store store = Store::create(folder.path(), kRun);
  EXPECT_TRUE(is_locked(folder.path()));
  EXPECT_TRUE(in_another_process([&] {
    return code_of([&] { Store::open(folder.path()); }, "another process") ==
           ErrorCode::kFailedPrecondition;
  }));
}

TEST(Store, IsUnlockedWhenItsProcessDies) {
  const TemporaryFolder folder;
  EXPECT_FALSE(in_another_process([&] {
    const Store store = Store::create(folder.path(), kRun);
    ::raise(SIGKILL);
    return true;
  }));
  EXPECT_FALSE(is_locked(folder.path()));
  EXPECT_NO_THROW(Store::open(folder.path()));
}

TEST(Store, IsReadAsItWasWhenTheReaderOpenedIt) {
  const TemporaryFolder folder;
  Store store = Store::create(folder.path(), kRun);
  store.write({{proposal(0)}, {}, {}}, 0);
  const StoreReader before(folder.path());
  EXPECT_EQ(before.trials().size(), 1U);
  store.write({{proposal(1)}, {}, {}}, 0);
  EXPECT_EQ(before.trials().size(), 1U);
  EXPECT_EQ(StoreReader(folder.path()).trials().size(), 2U);
}

TEST(Store, ForgetsEpochsOfEvaluationsThatDidNotEnd) {
  const TemporaryFolder folder;
  {
    Store store = Store::create(folder.path(), kRun);
    store.write({{proposal(0), proposal(1)}, {{0, {1, 1, 1, 1}}, {1, {1, 1, 1, 1}}}, {result(0)}},
                0);
  }
  const std::vector<TrialRecord> trials = Store::open(folder.path()).trials();
  EXPECT_EQ(trials.at(0).curve.size(), 1U);
  EXPECT_EQ(trials.at(1).curve.size(), 0U);
}

TEST(Store, WritesABatchAsAWholeOrNotAtAll) {
  const TemporaryFolder folder;
  Store store = Store::create(folder.path(), kRun);
  store.write({{proposal(0)}, {}, {}}, 0);
  EXPECT_THROW(store.write({{proposal(1), proposal(0)}, {}, {}}, 0), Error);
  EXPECT_EQ(store.trials().size(), 1U);
}

TEST(Store, SaysThatItsFileIsDamaged) {
  const TemporaryFolder folder;
  {
    Store store = Store::create(folder.path(), kRun);
    std::vector<TrialRecord> proposals;
    for (std::uint64_t id = 0; id < 500; ++id) proposals.push_back(proposal(id));
    store.write({proposals, {}, {}}, 0);
  }
  {
    std::fstream file(folder / "run.db", std::ios::in | std::ios::out | std::ios::binary);
    for (int page = 4; page < 12; ++page) {
      file.seekp(4096 * page);
      file << std::string(2000, 'x');
    }
  }
  EXPECT_EQ(code_of([&] { Store::open(folder.path()); }, "run.db: the file is damaged"),
            ErrorCode::kFailedPrecondition);
}

TEST(Store, IsReadFromAFolderThatCannotBeWritten) {
  const TemporaryFolder folder;
  {
    Store store = Store::create(folder.path(), kRun);
    store.write({{proposal(0)}, {}, {}}, 0);
  }
  std::filesystem::permissions(folder.path(), std::filesystem::perms(0555));
  EXPECT_TRUE(in_another_process([&] {
    if (::geteuid() == 0 && ::setuid(65534) != 0) return false;
    return StoreReader(folder.path()).trials().size() == 1;
  }));
  std::filesystem::permissions(folder.path(), std::filesystem::perms(0755));
}

TEST(Store, RefusesAnotherSchemaVersion) {
  const TemporaryFolder folder;
  { Store::create(folder.path(), kRun); }
  {
    Database database(folder / "run.db", Database::Access::kReadWrite);
    database.execute("PRAGMA user_version = 99");
  }
  EXPECT_EQ(code_of([&] { StoreReader reader(folder.path()); }, "version 99"),
            ErrorCode::kFailedPrecondition);
}

}  // namespace
}  // namespace hwnas::engine
