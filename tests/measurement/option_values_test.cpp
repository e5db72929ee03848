#include "measurement/option_values.hpp"

#include <gmock/gmock.h>

#include "core/error.hpp"

namespace hwnas::measurement {
namespace {

using testing::ElementsAre;

std::vector<std::string> split(const std::string& yaml) {
  return words(Config::parse("words: " + yaml, "test").at("words"));
}

TEST(Words, AreSplitAsAShellSplitsThem) {
  EXPECT_THAT(split("ssh  pi  run --graph={file}"),
              ElementsAre("ssh", "pi", "run", "--graph={file}"));
  EXPECT_THAT(split(R"('sh -c "a b" c''''d')"), ElementsAre("sh", "-c", "a b", "cd"));
  EXPECT_THAT(split(R"('a\ b "c\"d\e" \\')"), ElementsAre("a b", R"(c"d\e)", R"(\)"));
  EXPECT_THAT(split(R"('"" x')"), ElementsAre("", "x"));
}

TEST(Words, AreNeverExpanded) {
  EXPECT_THAT(split("'$HOME `id` $(id) *'"), ElementsAre("$HOME", "`id`", "$(id)", "*"));
}

TEST(Words, OfAListAreTakenAsTheyAre) {
  EXPECT_THAT(split("[sh, -c, 'a b']"), ElementsAre("sh", "-c", "a b"));
}

TEST(Words, ThatAreNotClosedAreRefused) {
  EXPECT_THROW(split(R"('"a')"), Error);
  EXPECT_THROW(split(R"('a\')"), Error);
}

}  // namespace
}  // namespace hwnas::measurement
