// Every input of the corpora, without a fuzzer.
#include <gtest/gtest.h>

#include <filesystem>

#include "core/file.hpp"
#include "tests/fuzz/targets.hpp"

namespace hwnas::fuzz {
namespace {

constexpr std::uintmax_t kMaxInputBytes = 1 << 20;

class Replay : public testing::TestWithParam<Target> {};

TEST_P(Replay, NoInputOfTheCorpusIsAFinding) {
  const std::filesystem::path corpus =
      std::filesystem::path(HWNAS_SOURCE_DIR) / "tests/fuzz/corpus" / GetParam().name;
  int inputs = 0;
  for (const auto& entry : std::filesystem::directory_iterator(corpus)) {
    const std::string input = read_file(entry.path(), kMaxInputBytes);
    EXPECT_NO_THROW(GetParam().run(input)) << entry.path();
    ++inputs;
  }
  EXPECT_GT(inputs, 0) << corpus;
  EXPECT_NO_THROW(GetParam().run(""));
}

INSTANTIATE_TEST_SUITE_P(Targets, Replay, testing::ValuesIn(targets().begin(), targets().end()),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace hwnas::fuzz
