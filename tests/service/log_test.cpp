#include "service/log.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/text.hpp"
#include "service/log_budget.hpp"

namespace hwnas::service {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

class LogTest : public testing::Test {
 protected:
  ~LogTest() override { set_log_level(LogLevel::kInfo); }

  template <typename Action>
  static std::string logged(const Action& action) {
    testing::internal::CaptureStderr();
    action();
    return testing::internal::GetCapturedStderr();
  }
};

TEST_F(LogTest, AnEventIsOneLineOfJsonWithTimeLevelAndName) {
  const std::string text = logged([] { log_event("job_started", {{"attempt", 2}}); });
  ASSERT_TRUE(text.ends_with("\n"));
  const json line = json::parse(text);
  EXPECT_THAT(line["ts"].get<std::string>(),
              testing::MatchesRegex("....-..-..T..:..:..\\.[0-9][0-9][0-9]Z"));
  EXPECT_EQ(line["level"], "info");
  EXPECT_EQ(line["event"], "job_started");
  EXPECT_EQ(line["attempt"], 2);
}

TEST_F(LogTest, WhatClientsHaveSentCanNeitherEndALineNorSteerATerminal) {
  const std::string hostile = "a\n{\"event\":\"forged\"}\r\x1b[2J\x7f\xc2\x9b \xff é";
  const std::string text = logged([&] { log_event("rpc", {{"resource", hostile}}); });
  EXPECT_EQ(std::ranges::count(text, '\n'), 1);
  EXPECT_TRUE(std::ranges::all_of(text, [](char c) { return c == '\n' || (c >= ' ' && c <= '~'); }))
      << text;
  EXPECT_EQ(json::parse(text)["event"], "rpc");
}

TEST_F(LogTest, LongTextIsCut) {
  const std::string text = logged([] {
    log_event("rpc", {{"resource", std::string(1 << 20, 'x')}});
  });
  EXPECT_LT(text.size(), 1200u);
}

TEST_F(LogTest, EventsBelowTheLevelAreLeftOut) {
  set_log_level(LogLevel::kWarning);
  EXPECT_EQ(logged([] { log_event("job_started", {}); }), "");
  EXPECT_NE(logged([] { log_event(LogLevel::kError, "audit_not_written", {}); }), "");
}

TEST_F(LogTest, LevelsAreReadByTheirNames) {
  EXPECT_EQ(log_level_from_string("warning"), LogLevel::kWarning);
  EXPECT_THROW(log_level_from_string("WARN"), Error);
}

TEST(CutTest, KeepsCharactersWhole) {
  EXPECT_EQ(cut("short", 10), "short");
  const std::string text = "ééééé";  // two bytes each
  for (std::size_t bytes = 3; bytes < 10; ++bytes) {
    const std::string shorter = cut(text, bytes);
    EXPECT_LE(shorter.size(), bytes);
    EXPECT_FALSE(find_text_fault(shorter)) << bytes;
    EXPECT_TRUE(shorter.ends_with("…"));
  }
}

TEST(LogBudgetTest, GivesSoManyAtOnceAndSoManyASecondAndCountsTheRest) {
  LogBudget budget(3, 2);
  const auto start = LogBudget::Clock::now();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(budget.take(start), 0u);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(budget.take(start), std::nullopt);
  EXPECT_EQ(budget.take(start + 500ms), 5u);
  EXPECT_EQ(budget.take(start + 500ms), std::nullopt);
  EXPECT_EQ(budget.take(start + 1h), 1u);
  EXPECT_EQ(budget.take(start + 1h), 0u);
  EXPECT_EQ(budget.take(start + 1h), 0u);
  EXPECT_EQ(budget.take(start + 1h), std::nullopt)
      << "no more than at once, however long it was quiet";
}

}  // namespace
}  // namespace hwnas::service
