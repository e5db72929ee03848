#include "core/text.hpp"

#include <gtest/gtest.h>

namespace hwnas {
namespace {

TEST(Text, OneLineShowsControlCharactersAsEscapes) {
  EXPECT_EQ(one_line("a\nb\tc\x1b[2Jö"), "a\\nb\\tc\\x1b[2Jö");
}

TEST(Text, QuotesCutLongTextsBetweenCharacters) {
  EXPECT_EQ(in_quotes("short"), "'short'");
  EXPECT_EQ(in_quotes(std::string(60, 'x')), "'" + std::string(60, 'x') + "'");
  EXPECT_EQ(in_quotes(std::string(59, 'x') + "ö and more"), "'" + std::string(59, 'x') + "...'");
}

TEST(Text, WellFormedTextHasNoFault) {
  EXPECT_FALSE(find_text_fault(""));
  EXPECT_FALSE(
      find_text_fault("tab\tline\nline\r\nö € 😀 \xed\x9f\xbf \xee\x80\x80 \xf4\x8f\xbf\xbf"));
}

TEST(Text, FaultsAreFoundAtTheirFirstByte) {
  const struct {
    std::string_view text;
    std::size_t offset;
  } rows[] = {
      {"a\x01", 1},
      {"ab\x7f", 2},
      {"\xc2\x80", 0},
      {"a\rb", 1},
      {"a\r", 1},
      {"\x80", 0},
      {"x\xc3", 1},
      {"x\xc3(", 1},
      {"\xc1\x81", 0},
      {"\xe0\x9f\xbf", 0},
      {"\xed\xa0\x80", 0},
      {"\xf0\x8f\xbf\xbf", 0},
      {"\xf4\x90\x80\x80", 0},
      {"\xff", 0},
      {"ö\xef\xbb\xbf", 2},
  };
  for (const auto& row : rows) {
    const auto fault = find_text_fault(row.text);
    ASSERT_TRUE(fault) << row.text;
    EXPECT_EQ(fault->offset, row.offset) << row.text;
  }
}

TEST(Text, NumbersAreTakenWholeOrNotAtAll) {
  EXPECT_EQ(parse_number("-1.5e3"), -1500);
  EXPECT_EQ(parse_number("+2"), 2);
  EXPECT_EQ(parse_integer("-9223372036854775808"), std::numeric_limits<std::int64_t>::min());
  for (const char* text : {"", " 1", "1 ", "1x", "inf", "nan", "0x10", "1e999", "+-1", "++1"}) {
    EXPECT_FALSE(parse_number(text)) << text;
    EXPECT_FALSE(parse_integer(text)) << text;
  }
  EXPECT_FALSE(parse_integer("1.0"));
  EXPECT_FALSE(parse_integer("9223372036854775808"));
}

TEST(Text, SlipsOfTheKeyboardFindTheNearestName) {
  const std::vector<std::string> names = {"population", "trials", "strategy", "lr"};
  EXPECT_EQ(nearest_name("populaton", names), "population");
  EXPECT_EQ(nearest_name("popualtion", names), "population");
  EXPECT_EQ(nearest_name("trails", names), "trials");
  EXPECT_EQ(nearest_name("rl", names), "lr");
  EXPECT_EQ(nearest_name("epochs", names), std::nullopt);
  EXPECT_EQ(nearest_name("", names), std::nullopt);
  EXPECT_EQ(nearest_name("trials", {}), std::nullopt);
  EXPECT_EQ(did_you_mean("stategy", names), ", did you mean 'strategy'?");
  EXPECT_EQ(did_you_mean("epochs", names), "");
}

TEST(Text, OfEquallyNearNamesTheFirstIsTaken) {
  EXPECT_EQ(nearest_name("nsga4", {"nsga2", "nsga3"}), "nsga2");
}

}  // namespace
}  // namespace hwnas
