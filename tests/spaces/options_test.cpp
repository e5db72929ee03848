#include "spaces/options.hpp"

#include <gmock/gmock.h>

#include <numeric>

#include "core/error.hpp"

namespace hwnas::spaces {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Config map_of(std::string_view yaml) {
  return Config::parse(yaml, "space.yaml");
}

constexpr Task kTask{{.channels = 1, .height = 8, .width = 8}, 2};

std::string message_of(const auto& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    return error.what();
  }
  return "no error";
}

TEST(Options, AScalarAndAListOfOneAreFixedChoices) {
  DecisionList decisions;
  const Config map = map_of("{a: 3, b: [4], c: [5, 6]}");
  const auto a = decisions.add("a", read_integers(map, "a", {1, 9}));
  const auto b = decisions.add("b", read_integers(map, "b", {1, 9}));
  const auto c = decisions.add("c", read_integers(map, "c", {1, 9}));
  const auto d = decisions.add("d", read_integers(map, "d", {1, 9}, 7));
  ASSERT_EQ(decisions.decisions().size(), 1U);
  EXPECT_EQ(decisions.decisions()[0].name, "c");
  EXPECT_THAT(decisions.decisions()[0].options, ElementsAre("5", "6"));
  EXPECT_TRUE(decisions.decisions()[0].ordered);
  const Genotype second{{1}};
  EXPECT_THAT((std::vector{a(second), b(second), c(second), d(second)}), ElementsAre(3, 4, 6, 7));
}

TEST(Options, SizesAreHeightByWidth) {
  const auto sizes = read_sizes(map_of("{kernel: [10x4, 3]}"), "kernel", {1, 10});
  EXPECT_THAT(sizes.values, ElementsAre(Size2d{10, 4}, Size2d{3, 3}));
  EXPECT_THAT(sizes.labels, ElementsAre("10x4", "3x3"));
  EXPECT_FALSE(sizes.ordered);
}

TEST(Options, MalformedSizesAreRefused) {
  for (const char* size : {"11x4", "0", "x", "3x", "x3", "3x3x3", "3 x 3", "-3", "large"}) {
    const Config map = map_of(fmt::format("{{kernel: [{}]}}", size));
    EXPECT_THAT(message_of([&] { read_sizes(map, "kernel", {1, 10}); }), HasSubstr("is no size"));
  }
}

TEST(Options, BadListsAreRefusedWithPlace) {
  const auto message = [](std::string_view yaml) {
    return message_of([&] { read_integers(map_of(yaml), "a", {1, 9}); });
  };
  EXPECT_THAT(message("{a: []}"), HasSubstr("space.yaml:1:5"));
  EXPECT_THAT(message("{a: []}"), HasSubstr("at least one"));
  EXPECT_THAT(message("{a: [3, 3]}"), HasSubstr("given twice"));
  EXPECT_THAT(message("{a: [5, 3]}"), HasSubstr("grow"));
  EXPECT_THAT(message("{a: [3, 10]}"), HasSubstr("space.yaml:1:9"));
  EXPECT_THAT(message("{b: [3]}"), HasSubstr("a"));
}

TEST(Options, AtMost64) {
  std::string list = "1";
  for (int i = 2; i <= 64; ++i) list += fmt::format(", {}", i);
  const auto read = [](const std::string& items) {
    return read_integers(map_of("{a: [" + items + "]}"), "a", {1, 99});
  };
  EXPECT_EQ(read(list).values.size(), 64U);
  EXPECT_THAT(message_of([&] { read(list + ", 65"); }), HasSubstr("64 are the limit"));
}

TEST(MakeSpace, UnknownFamiliesAndKeysAreRefused) {
  const auto message = [](std::string_view yaml) {
    return message_of([&] { make_space(map_of(yaml), kTask); });
  };
  EXPECT_THAT(message("{family: mobil}"), HasSubstr("mobile"));
  EXPECT_THAT(message("{familie: mobile}"), HasSubstr("famil"));
  EXPECT_THAT(message("{family: nasbench201, chanels: 16}"), HasSubstr("channels"));
  EXPECT_THAT(message("{family: mobile, stem: {channels: 8, filters: 3}}"), HasSubstr("filters"));
  EXPECT_THAT(message("{family: mobile, stem: {channels: 8}, stages: []}"), HasSubstr("0 stages"));
  EXPECT_THAT(message("{family: mobile, stem: {channels: 5000}, stages: []}"), HasSubstr("5000"));
}

TEST(MakeSpace, SeveralWidthsWithSeveralMultipliersAreRefused) {
  const Config options = map_of(R"(
family: mobile
width_multiplier: [0.5, 1]
stem: { channels: [8, 16] }
stages: [ { depth: 1, channels: 8, expansion: 1 } ]
)");
  EXPECT_THAT(message_of([&] { make_space(options, kTask); }), HasSubstr("open one of the two"));
}

TEST(MakeSpace, TooManyDecisionsAreRefused) {
  std::string yaml = "family: mobile\nper_block: true\nstem: { channels: 8 }\nstages:\n";
  for (int stage = 0; stage < 5; ++stage) {
    yaml += "  - { depth: 32, channels: 8, kernel: [3, 5], expansion: [1, 2] }\n";
  }
  EXPECT_THAT(message_of([&] { make_space(map_of(yaml), kTask); }),
              HasSubstr("320 decisions, but 256 are the limit"));
}

TEST(MakeSpace, TooManyGenotypesAreRefused) {
  std::vector<int> to_63(63);
  std::iota(to_63.begin(), to_63.end(), 1);
  std::string yaml = "family: mobile\nper_block: true\nstem: { channels: 8 }\nstages:\n";
  for (int stage = 0; stage < 7; ++stage) {
    yaml += fmt::format("  - {{ depth: 25, channels: 8, kernel: [{}], expansion: 1 }}\n",
                        fmt::join(to_63, ", "));
  }
  EXPECT_THAT(message_of([&] { make_space(map_of(yaml), kTask); }),
              HasSubstr("10^315 genotypes, but 10^300 are the limit"));
}

TEST(MakeSpace, NetworksThatDoNotFitIntoMemoryAreRefusedBeforeTheSearch) {
  const Task huge{{.channels = 3, .height = 4096, .width = 4096}, 10};
  const Config options = map_of(R"(
family: mobile
stem: { channels: [4, 64], stride: 1 }
stages: [ { depth: 1, channels: 8, expansion: 1 } ]
)");
  EXPECT_THAT(message_of([&] { make_space(options, huge); }),
              HasSubstr("the largest network is refused"));
}

TEST(MakeSpace, ATaskNeedsClasses) {
  const Task none{{.channels = 3, .height = 32, .width = 32}, 0};
  EXPECT_THAT(message_of([&] { make_space(map_of("family: nasbench201"), none); }),
              HasSubstr("0 classes"));
}

}  // namespace
}  // namespace hwnas::spaces
