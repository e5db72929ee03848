#include "cli/progress.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "fake_terminal.hpp"

namespace hwnas::cli {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr ProgressView::Clock::time_point kStart{};
constexpr TerminalStyle kPlainTerminal{.width = 100, .color = false, .unicode = false};

engine::Progress halfway() {
  engine::Progress progress;
  progress.stage = "search";
  progress.fraction = 0.5;
  progress.stage_seconds = 252;
  progress.seconds_left = 250;
  progress.trials_done = 24;
  progress.trials_infeasible = 113;
  progress.front_size = 7;
  return progress;
}

engine::Progress stage(const std::string& name, double fraction) {
  engine::Progress progress;
  progress.stage = name;
  progress.fraction = fraction;
  return progress;
}

int columns_of(const std::string& text) {
  return static_cast<int>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

TEST(Duration, IsShownInHoursMinutesAndSeconds) {
  EXPECT_EQ(format_duration(7.9), "0:07");
  EXPECT_EQ(format_duration(761), "12:41");
  EXPECT_EQ(format_duration(3723), "1:02:03");
  EXPECT_EQ(format_duration(-1), "0:00");
}

TEST(ProgressBar, ShowsStageFractionTimesAndCounts) {
  EXPECT_EQ(render_bar(halfway(), kPlainTerminal),
            "search    ###########----------  50 %  4:12, about 4:10 left  24 evaluated, 113 "
            "infeasible, front 7");
}

TEST(ProgressBar, NeverReachesTheLastColumn) {
  for (int width = 1; width < 200; ++width) {
    const TerminalStyle style{.width = width, .color = false, .unicode = true};
    EXPECT_LT(columns_of(render_bar(halfway(), style)), std::max(width, 1)) << width;
  }
}

TEST(ProgressBar, UsesColourOnlyWhereAllowed) {
  EXPECT_THAT(render_bar(halfway(), kPlainTerminal), Not(HasSubstr("\x1b")));
  EXPECT_THAT(render_bar(halfway(), {.width = 100, .color = true, .unicode = false}),
              HasSubstr("\x1b[36m"));
}

TEST(ProgressBar, ShowsHundredPercentOnlyWhenDone) {
  EXPECT_THAT(render_bar(stage("search", 0.9999), kPlainTerminal), HasSubstr(" 99 %"));
  EXPECT_THAT(render_bar(stage("search", 1), kPlainTerminal), HasSubstr("100 %"));
}

TEST(ProgressBar, ShowsNeitherBarNorPercentageOfAFractionThatNobodyKnows) {
  const engine::Progress unknown = stage("finalists", kUnknownFraction);
  EXPECT_EQ(render_bar(unknown, kPlainTerminal), "finalists  0:00");
  EXPECT_EQ(render_log_line(unknown), "finalists: 0:00");
}

class OnTerminal : public testing::Test {
 protected:
  FakeTerminal terminal_;
  int writes_ = 0;
  ProgressView view_{[this](std::string_view text) {
                       terminal_.write(text);
                       ++writes_;
                     },
                     kPlainTerminal};
};

TEST_F(OnTerminal, RedrawsAtMostTenTimesASecond) {
  for (int millisecond = 0; millisecond < 1000; ++millisecond)
    view_.show(halfway(), kStart + std::chrono::milliseconds(millisecond));
  EXPECT_EQ(writes_, 10);
  EXPECT_EQ(terminal_.lines().size(), 1u);
}

TEST_F(OnTerminal, KeepsFinishedStagesAndMessagesAboveTheBar) {
  view_.show(stage("prepare", 1), kStart);
  engine::Progress search = halfway();
  search.message = "trial 3 failed: out of memory";
  view_.show(search, kStart + 1ms);
  EXPECT_THAT(terminal_.lines(), ElementsAre("prepare       0:00", "trial 3 failed: out of memory",
                                             render_bar(halfway(), kPlainTerminal)));
}

TEST_F(OnTerminal, ShowsTheCountsOfAStageAtItsEnd) {
  view_.show(halfway(), kStart);
  view_.show(stage("search", 1), kStart + 1ms);
  view_.finish();
  EXPECT_THAT(terminal_.lines(),
              ElementsAre("search        0:00  24 evaluated, 113 infeasible, front 7", ""));
}

TEST_F(OnTerminal, MovesTheTimesOnBetweenEvents) {
  view_.show(halfway(), kStart);
  view_.tick(kStart + 5s);
  EXPECT_THAT(terminal_.lines().back(), HasSubstr("4:17, about 4:05 left"));
}

TEST_F(OnTerminal, RemovesTheBarOfAnInterruptedStage) {
  view_.show(halfway(), kStart);
  view_.finish();
  EXPECT_THAT(terminal_.lines(), ElementsAre(IsEmpty()));
}

TEST_F(OnTerminal, FitsAResizedTerminal) {
  view_.resize(40);
  view_.show(halfway(), kStart);
  EXPECT_LT(columns_of(terminal_.lines().back()), 40);
}

class InLog : public testing::Test {
 protected:
  FakeTerminal log_;
  ProgressView view_{[this](std::string_view text) { log_.write(text); }, std::nullopt};
};

TEST_F(InLog, WritesALineEveryTenSeconds) {
  for (int second = 0; second <= 25; ++second)
    view_.show(halfway(), kStart + std::chrono::seconds(second));
  EXPECT_THAT(log_.lines(),
              ElementsAre(render_log_line(halfway()), render_log_line(halfway()), ""));
}

TEST_F(InLog, IsSilentDuringShortStagesButForTheirEnd) {
  view_.show(stage("prepare", 0), kStart);
  view_.show(stage("prepare", 1), kStart + 2s);
  view_.show(stage("search", 1), kStart + 3s);
  view_.finish();
  EXPECT_THAT(log_.lines(), ElementsAre("prepare       0:00", "search        0:00", ""));
}

TEST_F(InLog, ContainsNoControlCharacters) {
  view_.show(halfway(), kStart);
  view_.say("a message", kStart + 1s);
  view_.finish();
  EXPECT_THAT(log_.lines(), ElementsAre("a message", ""));
}

}  // namespace
}  // namespace hwnas::cli
