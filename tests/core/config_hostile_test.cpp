#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/config.hpp"
#include "core/error.hpp"
#include "tests/core/hostile_yaml.hpp"

namespace hwnas {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::StartsWith;

class HostileText : public ::testing::TestWithParam<HostileYaml> {};

TEST_P(HostileText, IsRefusedInOneLineWithItsPlace) {
  const HostileYaml& hostile = GetParam();
  try {
    Config::parse(hostile.text, "bad.yaml");
    FAIL() << "was read";
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(message, MatchesRegex("bad\\.yaml:[0-9]+:[0-9]+: .+"));
    EXPECT_THAT(message, Not(HasSubstr("\n")));
    EXPECT_LT(message.size(), 400u);
    EXPECT_THAT(message, HasSubstr(hostile.reason));
    if (!hostile.place.empty()) {
      EXPECT_THAT(message, StartsWith("bad.yaml:" + hostile.place + ": "));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Config, HostileText, ::testing::ValuesIn(hostile_yaml()),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace hwnas
