#include "service/run_feed.hpp"

#include <gmock/gmock.h>

#include "engine/pipeline.hpp"
#include "service/messages.hpp"
#include "tests/engine/fake_training.hpp"
#include "tests/engine/sample_run.hpp"

namespace hwnas::service {
namespace {

const JobName kJob{"acme", JobKind::kSearch, "waves"};

class RunFeedTest : public testing::Test {
 protected:
  void run() const {
    engine::start_run(engine::Experiment::load(engine::write_wave_experiment(folder_)),
                      {.folder = run_}, engine::fake_training());
  }

  const TemporaryFolder folder_;
  const std::filesystem::path run_ = folder_ / "run";
};

std::vector<v1::Trial> trials_of(const FeedUpdate& update) {
  std::vector<v1::Trial> trials;
  for (const NewEvent& event : update.events) {
    if (event.kind == kTrialEvent) from_json(event.payload, trials.emplace_back());
  }
  return trials;
}

TEST_F(RunFeedTest, ARunThatHasNotBegunHasNoNews) {
  EXPECT_FALSE(RunFeed(run_, kJob, "").poll(true).has_value());
}

TEST_F(RunFeedTest, AFinishedRunIsToldInFullAndOnce) {
  run();
  RunFeed feed(run_, kJob, "");
  const auto update = feed.poll(true);
  ASSERT_TRUE(update.has_value());
  const std::vector<v1::Trial> trials = trials_of(*update);
  const auto recorded = engine::StoreReader(run_).trials();
  ASSERT_EQ(trials.size(), recorded.size());
  for (std::size_t i = 0; i < trials.size(); ++i) {
    EXPECT_EQ(trials[i].name(), "tenants/acme/searchJobs/waves/trials/" + std::to_string(i));
    EXPECT_EQ(trials[i].genotype(), spaces::to_string(recorded[i].genotype));
    EXPECT_EQ(static_cast<std::size_t>(trials[i].curve_size()), recorded[i].curve.size());
  }
  EXPECT_FALSE(feed.poll(true).has_value());
}

TEST_F(RunFeedTest, TheProgressCountsWhatTheReportShows) {
  run();
  RunFeed feed(run_, kJob, "");
  const v1::SearchProgress progress = FeedCursor::parse(feed.poll(true)->cursor).progress;
  const report::RunSummary summary = engine::summarise_run(run_);
  const auto count = [&](search::TrialState state) {
    return std::ranges::count(summary.trials, state, &report::TrialSummary::state);
  };
  EXPECT_EQ(progress.stage(), "report");
  EXPECT_EQ(progress.planned_trials(), 20);
  EXPECT_EQ(progress.evaluated_trials(),
            count(search::TrialState::kComplete) + count(search::TrialState::kStopped));
  EXPECT_EQ(progress.infeasible_trials(), count(search::TrialState::kInfeasible));
  EXPECT_EQ(progress.front_size(),
            std::ranges::count(summary.trials, true, &report::TrialSummary::on_front));
}

TEST_F(RunFeedTest, ACursorGoesOnWhereItWasTakenAndTellsNothingTwice) {
  run();
  const auto told = RunFeed(run_, kJob, "").poll(true);
  EXPECT_FALSE(RunFeed(run_, kJob, told->cursor).poll(true).has_value());

  FeedCursor cursor = FeedCursor::parse(told->cursor);
  EXPECT_TRUE(cursor.open.empty());
  cursor.settled = 3;
  cursor.open = {{3, 1}, {5, FeedCursor::kEnded}};  // 3: one epoch told; 4: nothing; 5: all
  const auto rest = RunFeed(run_, kJob, cursor.text()).poll(true);
  std::vector<std::int64_t> ids;
  for (const v1::Trial& trial : trials_of(*rest)) ids.push_back(trial.id());
  ASSERT_GE(ids.size(), 3u);
  EXPECT_EQ(ids[0], 3);
  EXPECT_EQ(ids[1], 4);
  EXPECT_EQ(ids[2], 6);
}

TEST_F(RunFeedTest, FilesWithTheSameTimeStampsAreNotReadAgain) {
  run();
  RunFeed feed(run_, kJob, "");
  EXPECT_TRUE(feed.poll(false).has_value());
  EXPECT_FALSE(feed.poll(false).has_value());
}

}  // namespace
}  // namespace hwnas::service
