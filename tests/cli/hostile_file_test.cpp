#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "../core/hostile_yaml.hpp"
#include "core/sanitizer.hpp"
#include "process.hpp"

namespace hwnas {

void PrintTo(const HostileYaml& hostile, std::ostream* stream) {
  *stream << hostile.name;
}

}  // namespace hwnas

namespace hwnas::cli {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class HostileFile : public testing::TestWithParam<HostileYaml> {};

TEST_P(HostileFile, IsRefusedInOneLineWithoutTakingMemory) {
  // The sanitizer's own memory is 230 MB.
  constexpr std::int64_t kMaxRssBytes = (kHasAddressSanitizer ? 512 : 64) << 20;
  constexpr std::size_t kMaxTextBytes = 256 << 10;  // a longer file is refused unread, as a whole
  const HostileYaml& hostile = GetParam();
  const std::string file = temporary_file(hostile.name + ".yaml", hostile.text);
  const Finished finished = hwnas({"validate", file});
  EXPECT_EQ(finished.exit_code, 2);
  const std::string place = hostile.text.size() > kMaxTextBytes ? "" : hostile.place;
  EXPECT_THAT(finished.err, StartsWith("hwnas: " + file + ":" + place));
  EXPECT_THAT(finished.err, HasSubstr(hostile.reason));
  EXPECT_EQ(std::ranges::count(finished.err, '\n'), 1);
  EXPECT_LT(finished.peak_rss_bytes, kMaxRssBytes);
}

INSTANTIATE_TEST_SUITE_P(Cli, HostileFile, testing::ValuesIn(hostile_yaml()),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace hwnas::cli
