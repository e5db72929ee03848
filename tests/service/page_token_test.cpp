#include "service/page_token.hpp"

#include <gtest/gtest.h>

#include "tests/service/sample_jobs.hpp"

namespace hwnas::service {
namespace {

const std::string kPosition("12, \"a\"\0\xff", 9);

TEST(PageTokens, GiveTheirPositionBackForTheSameArguments) {
  const PageTokens tokens("key");
  EXPECT_EQ(tokens.read(tokens.make(kPosition, "arguments"), "arguments"), kPosition);
  EXPECT_EQ(tokens.read(tokens.make("", ""), ""), "");
}

TEST(PageTokens, RefuseEveryChangeOfADigit) {
  const PageTokens tokens("key");
  const std::string token = tokens.make(kPosition, "arguments");
  for (std::size_t i = 0; i < token.size(); ++i) {
    for (const char digit : {'0', '7', 'g', 'A', '\0'}) {
      std::string changed = token;
      changed[i] = digit;
      if (changed == token) continue;
      EXPECT_EQ(failure_of([&] { tokens.read(changed, "arguments"); }).code,
                ErrorCode::kInvalidArgument)
          << changed;
    }
  }
}

TEST(PageTokens, RefuseWhatIsNoneOfTheirs) {
  const PageTokens tokens("key");
  const std::string token = tokens.make(kPosition, "arguments");
  for (const std::string& other :
       {std::string("x"), token.substr(0, 31), token.substr(0, 32), token + "0", token + "00",
        token.substr(2), std::string(100'000, '0'),
        PageTokens("another key").make(kPosition, "arguments"),
        tokens.make(kPosition, "other arguments"), tokens.make(kPosition + "arg", "uments")}) {
    EXPECT_EQ(failure_of([&] { tokens.read(other, "arguments"); }).code,
              ErrorCode::kInvalidArgument)
        << other;
  }
}

TEST(PageTokens, HaveKeysThatDiffer) {
  EXPECT_EQ(random_key().size(), 64u);
  EXPECT_NE(random_key(), random_key());
}

}  // namespace
}  // namespace hwnas::service
