#include "cli/job_view.hpp"

#include <gtest/gtest.h>

namespace hwnas::cli {
namespace {

v1::SearchProgress progress(const std::string& stage, int run_seconds, int evaluated) {
  v1::SearchProgress result;
  result.set_stage(stage);
  result.mutable_run_time()->set_seconds(run_seconds);
  result.set_evaluated_trials(evaluated);
  result.set_planned_trials(20);
  return result;
}

TEST(JobProgress, CountsTheSecondsOfEachStageFromTheEndOfTheOneBefore) {
  JobProgress job;
  EXPECT_EQ(job.update(progress("prepare", 2, 0)).stage_seconds, 2);
  EXPECT_EQ(job.update(progress("search", 3, 0)).stage_seconds, 1);
  EXPECT_EQ(job.update(progress("search", 12, 10)).stage_seconds, 10);
  EXPECT_EQ(job.update(progress("finalists", 20, 20)).stage_seconds, 8);
}

TEST(JobProgress, KnowsHowFarTheSearchHasComeAndNoOtherStage) {
  JobProgress job;
  v1::SearchProgress half = progress("search", 12, 10);
  half.mutable_time_left()->set_seconds(11);
  EXPECT_EQ(job.update(half).fraction, 0.5);
  EXPECT_EQ(job.update(half).seconds_left, 11);
  EXPECT_EQ(job.update(progress("finalists", 20, 20)).fraction, kUnknownFraction);
  EXPECT_FALSE(job.update(progress("finalists", 20, 20)).seconds_left);
}

TEST(JobProgress, PutsNothingOnTheTerminalThatMovesItsCursor) {
  EXPECT_EQ(JobProgress().update(progress("\x1b[2J", 0, 0)).stage, "\\x1b[2J");
}

TEST(JobState, HasANameEvenIfANewerDaemonMadeIt) {
  EXPECT_EQ(state_name(v1::SearchJob::CANCELLING), "cancelling");
  EXPECT_EQ(state_name(static_cast<v1::SearchJob::State>(99)), "unknown");
}

}  // namespace
}  // namespace hwnas::cli
