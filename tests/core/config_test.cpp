#include "core/config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <limits>

#include "core/error.hpp"
#include "tests/core/hostile_yaml.hpp"
#include "tests/core/message_of.hpp"
#include "tests/core/temporary_folder.hpp"

namespace hwnas {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::int64_t kInt64Max = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kInt64Min = std::numeric_limits<std::int64_t>::min();

Config parse(std::string_view text) {
  return Config::parse(text, "a.yaml");
}

/// "x: <text>" read as a whole number or a real one.
std::int64_t read_int(const std::string& text, std::int64_t min = kInt64Min,
                      std::int64_t max = kInt64Max) {
  return parse("x: " + text).at("x").as_int(min, max);
}
double read_double(const std::string& text, double min = -1e300, double max = 1e300) {
  return parse("x: " + text).at("x").as_double(min, max);
}

TEST(Config, ReadsMapsListsAndScalarsWithTheirPlaces) {
  const Config config = parse("name: demo\nsearch:\n  trials: 48\n  seeds: [1, 2]\n");
  EXPECT_EQ(config.kind(), Config::Kind::kMap);
  EXPECT_EQ(config.source(), "a.yaml");
  EXPECT_THAT(config.keys(), ElementsAre("name", "search"));
  const Config& trials = config.at("search").at("trials");
  EXPECT_EQ(trials.as_int(1, 100), 48);
  EXPECT_EQ(trials.mark().line, 3);
  EXPECT_EQ(trials.mark().column, 11);
  const std::vector<Config>& seeds = config.at("search").at("seeds").items();
  ASSERT_EQ(seeds.size(), 2u);
  EXPECT_EQ(seeds[1].as_int(0, 9), 2);
}

TEST(Config, ReadsTextsWithCarriageReturns) {
  const Config config = parse("a: one\r\nb:\r\n  - two\r\nc: 3\r\n");
  EXPECT_EQ(config.at("a").as_string(), "one");
  EXPECT_EQ(config.at("b").items()[0].as_string(), "two");
  EXPECT_EQ(config.at("c").mark().line, 4);
}

TEST(Config, NullCountsAsAbsent) {
  const Config config = parse("a:\nb: ~\nc: null\nd: ''\n");
  EXPECT_FALSE(config.has("a"));
  EXPECT_EQ(config.find("b"), nullptr);
  EXPECT_EQ(config.int_or("c", 7, 0, 9), 7);
  EXPECT_TRUE(config.has("d"));
  EXPECT_EQ(message_of([&] { config.at("a"); }), "a.yaml:1:1: the key 'a' is missing");
}

TEST(Config, FallbacksStandInForAbsentKeysOnly) {
  const Config config = parse("s: x\nb: true\ni: 3\nd: 0.5\n");
  EXPECT_EQ(config.string_or("s", "y"), "x");
  EXPECT_EQ(config.string_or("t", "y"), "y");
  EXPECT_TRUE(config.bool_or("b", false));
  EXPECT_TRUE(config.bool_or("c", true));
  EXPECT_EQ(config.int_or("i", 1, 0, 9), 3);
  EXPECT_EQ(config.double_or("d", 1, 0, 1), 0.5);
  EXPECT_THROW(config.int_or("i", 1, 0, 2), Error);
}

TEST(Config, WholeNumbersTakeDecimalFormAndWholeFloats) {
  EXPECT_EQ(read_int("12"), 12);
  EXPECT_EQ(read_int("-12"), -12);
  EXPECT_EQ(read_int("+12"), 12);
  EXPECT_EQ(read_int("0"), 0);
  EXPECT_EQ(read_int("30e6"), 30'000'000);
  EXPECT_EQ(read_int("1.5e3"), 1500);
  EXPECT_EQ(read_int("9223372036854775807"), kInt64Max);
  EXPECT_EQ(read_int("-9223372036854775808"), kInt64Min);
}

TEST(Config, WhatIsNoWholeNumberIsRefused) {
  for (const char* text : {"1.5",    "'12'",   "\"12\"",
                           "1_000",  "0x10",   "010",
                           "12 13",  "1e400",  "9223372036854775808",
                           "1e300",  "twelve", ".inf",
                           "nan",    "true",   "[1]",
                           "{a: 1}", "+-1",    "--1",
                           "1e",     "e1",     "."}) {
    EXPECT_THAT(message_of([&] { read_int(text); }),
                HasSubstr("a.yaml:1:4: x: expected a whole number, not "))
        << text;
  }
}

TEST(Config, RealNumbersAreFiniteAndDecimal) {
  EXPECT_EQ(read_double("1"), 1);
  EXPECT_EQ(read_double("-1.25e-2"), -0.0125);
  EXPECT_EQ(read_double(".5"), 0.5);
  EXPECT_EQ(read_double("+2."), 2);
  for (const char* text : {".inf", "-.inf", ".nan", "inf", "nan", "infinity", "1e999", "0x1p3",
                           "'1.0'", "1,5", "1.2.3", "true"}) {
    EXPECT_THAT(message_of([&] { read_double(text); }), HasSubstr("expected a number, not "))
        << text;
  }
}

TEST(Config, NumbersOutOfRangeSayTheRange) {
  EXPECT_EQ(message_of([] { read_int("70", 1, 64); }),
            "a.yaml:1:4: x: '70' is not between 1 and 64");
  EXPECT_EQ(message_of([] { read_double("-0.5", 0, 1); }),
            "a.yaml:1:4: x: '-0.5' is not between 0 and 1");
}

TEST(Config, FlagsAreTrueOrFalseOnly) {
  EXPECT_TRUE(parse("x: true").at("x").as_bool());
  EXPECT_FALSE(parse("x: false").at("x").as_bool());
  for (const char* text : {"yes", "on", "1", "True", "'true'", "[]"}) {
    EXPECT_THAT(message_of([&] { parse(std::string("x: ") + text).at("x").as_bool(); }),
                HasSubstr("expected true or false, not "))
        << text;
  }
}

TEST(Config, WrongKindsSayWhatIsThereInstead) {
  const Config config = parse("list: [1]\nmap: {a: 1}\nvalue: 1\n");
  EXPECT_EQ(message_of([&] { config.at("list").as_string(); }),
            "a.yaml:1:7: list: expected a text, not a list");
  EXPECT_EQ(message_of([&] { config.at("map").items(); }),
            "a.yaml:2:6: map: expected a list, not a map");
  EXPECT_EQ(message_of([&] { config.at("value").at("a"); }),
            "a.yaml:3:8: value: expected a map, not a single value");
  EXPECT_EQ(message_of([&] { parse("[1]").keys(); }), "a.yaml:1:1: expected a map, not a list");
}

TEST(Config, UnknownKeysAreRefusedWithTheNearestKnownOne) {
  const Config config = parse("search:\n  populaton: 20\n");
  EXPECT_EQ(
      message_of([&] {
        config.at("search").require_known_keys({"population", "trials"});
      }),
      "a.yaml:2:3: search: unknown key 'populaton', did you mean 'population'? (known: population, "
      "trials)");
  EXPECT_NO_THROW(config.require_known_keys({"search"}));
}

TEST(Config, NamesOutOfAListAreReadAsTheirIndex) {
  const std::vector<std::string> names = {"random", "nsga2"};
  EXPECT_EQ(parse("x: nsga2").at("x").as_one_of(names), 1u);
  EXPECT_EQ(message_of([&] { parse("x: nsga3").at("x").as_one_of(names); }),
            "a.yaml:1:4: x: unknown name 'nsga3', did you mean 'nsga2'? (known: random, nsga2)");
}

TEST(Config, PathsOfListItemsHaveTheirIndex) {
  const Config config = parse("passes:\n  - name: a\n  - name: [b]\n");
  EXPECT_EQ(message_of([&] { config.at("passes").items()[1].at("name").as_string(); }),
            "a.yaml:3:11: passes[1].name: expected a text, not a list");
}

TEST(Config, MessagesStayOnOneLineWhateverTheValue) {
  const Config config = parse("x: \"a\\nb\"\ny: " + std::string(4000, 'y') + "\n");
  EXPECT_EQ(message_of([&] { config.at("x").as_int(0, 1); }),
            "a.yaml:1:4: x: expected a whole number, not the text 'a\\nb'");
  EXPECT_LT(message_of([&] { config.at("y").as_int(0, 1); }).size(), 200u);
  EXPECT_EQ(message_of([&] { config.fail("two\nlines"); }), "a.yaml:1:1: two\\nlines");
}

TEST(Config, LongPathsLoseTheirBeginningInsteadOfGrowing) {
  std::string text;
  for (int i = 0; i < 10; ++i) text += "{" + std::string(100, 'k') + ": ";
  const Config config = parse(text + "[x]" + repeat("}", 10));
  const Config* node = &config;
  while (node->kind() == Config::Kind::kMap) node = &node->at(node->keys()[0]);
  const std::string message = message_of([&] { node->items()[0].as_bool(); });
  EXPECT_THAT(message, HasSubstr("...." + std::string(100, 'k')));
  EXPECT_LT(message.size(), 400u);
}

TEST(Config, BudgetsAreInclusive) {
  EXPECT_NO_THROW(parse(std::string(Config::kMaxScalarBytes, 'x')));
  EXPECT_NO_THROW(parse(repeat("[", 32) + repeat("]", 32)));
  EXPECT_NO_THROW(parse(repeat("- x\n", 19'999)));
  EXPECT_NO_THROW(parse("a: 1 #" + std::string(Config::kMaxTextBytes - 6, ' ')));
}

TEST(Config, SetReplacesAndMakesValues) {
  Config config = parse("search: {trials: 48}\nempty:\n");
  config.set("search.trials", "5");
  config.set("search.seeds", "[1, 2]");
  config.set("limits.macs", "30e6");
  config.set("empty.inside", "'7'");
  EXPECT_EQ(config.to_yaml(),
            "search:\n  trials: 5\n  seeds:\n    - 1\n    - 2\nempty:\n  inside: \"7\"\n"
            "limits:\n  macs: 30e6\n");
}

TEST(Config, FaultsOfSetValuesNameTheCommandLine) {
  Config config = parse("search: {trials: 48}\n");
  config.set("search.trials", "many");
  EXPECT_EQ(message_of([&] { config.at("search").at("trials").as_int(0, 9); }),
            "--set:1:1: search.trials: expected a whole number, not 'many'");
  config.set("serch", "{}");
  EXPECT_THAT(message_of([&] { config.require_known_keys({"search"}); }),
              HasSubstr("--set:1:1: unknown key 'serch', did you mean 'search'?"));
}

TEST(Config, BadSetsLeaveTheConfigAsItWas) {
  Config config = parse("a: 1\nb: {c: 2}\n");
  const std::string before = config.to_yaml();
  for (const char* key : {"", ".", "a.", ".a", "b..c", "a.b", "b.c.d.e", "x\ny", "\xff"}) {
    EXPECT_THROW(config.set(key, "1"), Error) << key;
  }
  EXPECT_THROW(config.set("b.c", ""), Error);
  EXPECT_THROW(config.set("b.c", "[1"), Error);
  EXPECT_THROW(config.set("b.c", "&x 1"), Error);
  EXPECT_THROW(config.set("b.c", repeat("[", 31) + repeat("]", 31)), Error);
  EXPECT_EQ(config.to_yaml(), before);
}

TEST(Config, WrittenTextReadsBackTheSame) {
  const Config config = parse(R"(
version: 1
list: [a, [b, [], {}], {c: {d: [e]}}, ~]
number: -.5
exponent: 30e6
quoted: "12"
flags: [true, 'true', yes]
"null": x
"odd: key #": [1]
spaces: '  two  '
dashes: ["-", "- a", "---", "...", "?", -1]
block: |
  first "line"
    \second
folded: >
  one
  two
umlaut: äöü
url: https://example.org/#x
text with spaces: maximize val_top1
)");
  const std::string text = config.to_yaml();
  const Config again = parse(text);
  EXPECT_EQ(again.to_yaml(), text);
  EXPECT_EQ(again.at("number").as_double(-1, 1), -0.5);
  EXPECT_EQ(again.at("exponent").as_int(0, kInt64Max), 30'000'000);
  EXPECT_THROW(again.at("quoted").as_int(0, 99), Error);
  EXPECT_TRUE(again.at("flags").items()[0].as_bool());
  EXPECT_THROW(again.at("flags").items()[1].as_bool(), Error);
  EXPECT_EQ(again.at("block").as_string(), "first \"line\"\n  \\second\n");
  EXPECT_EQ(again.at("folded").as_string(), "one two\n");
  EXPECT_EQ(again.at("spaces").as_string(), "  two  ");
  EXPECT_EQ(again.at("null").as_string(), "x");
  EXPECT_TRUE(again.at("list").items()[3].is_null());
  EXPECT_EQ(again.at("dashes").items()[1].as_string(), "- a");
  EXPECT_EQ(again.at("umlaut").as_string(), "äöü");
  EXPECT_EQ(again.at("url").as_string(), "https://example.org/#x");
}

TEST(Config, SingleValuesAreWrittenToo) {
  EXPECT_EQ(parse("12").to_yaml(), "12\n");
  EXPECT_EQ(parse("[]").to_yaml(), "[]\n");
  EXPECT_EQ(parse("~").to_yaml(), "null\n");
  EXPECT_EQ(Config().to_yaml(), "null\n");
}

TEST(Config, LoadNamesTheFile) {
  const TemporaryFolder folder;
  std::ofstream(folder / "x.yaml") << "a: [1\n";
  EXPECT_THAT(message_of([&] { Config::load(folder / "x.yaml"); }), HasSubstr("x.yaml:2:1: "));
  try {
    Config::load(folder / "absent.yaml");
    FAIL() << "was read";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
  }
}

}  // namespace
}  // namespace hwnas
