#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <numeric>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/rng.hpp"
#include "data/dataset.hpp"
#include "tests/core/message_of.hpp"
#include "tests/data/fixtures.hpp"

namespace hwnas::data {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

void expect_equal(const Dataset& actual, const Dataset& expected) {
  EXPECT_EQ(actual.shape, expected.shape);
  EXPECT_EQ(actual.bytes, expected.bytes);
  EXPECT_EQ(actual.floats, expected.floats);
  EXPECT_EQ(actual.labels, expected.labels);
  EXPECT_EQ(actual.class_names, expected.class_names);
}

/// What every reader owes its caller, whatever its format.
class Reader : public ::testing::TestWithParam<ReaderInfo> {
 protected:
  DataSource read() const { return read(fixture_.options); }
  DataSource read(const std::string& options) const {
    return read_data(Config::parse(options, "a.yaml"), folder_.path());
  }

  TemporaryFolder folder_;
  Fixture fixture_ = write_fixture(GetParam().name, folder_);
};

TEST_P(Reader, ReadsBackExactlyWhatIsThere) {
  const DataSource source = read();
  expect_equal(source.train, fixture_.expected.train);
  expect_equal(source.test, fixture_.expected.test);
}

TEST_P(Reader, RefusesEveryTruncationOfEveryFile) {
  for (const std::string& name : fixture_.files) {
    const std::string whole = read_file(folder_ / name, 1 << 20);
    // Large files: all of the header and the end, and a part of what lies between.
    const std::size_t step = whole.size() > 1000 ? 101 : 1;
    for (std::size_t size = 0; size < whole.size();
         size += size < 100 || size + 5 > whole.size() ? 1 : std::min(step, whole.size() - size)) {
      folder_.write(name, std::string_view(whole).substr(0, size));
      EXPECT_THROW(read(), Error) << name << " cut to " << size << " bytes";
    }
    folder_.write(name, whole);
  }
  EXPECT_NO_THROW(read());
}

TEST_P(Reader, SurvivesEveryKindOfDamage) {
  Rng rng(1);
  for (const std::string& name : fixture_.files) {
    const std::string whole = read_file(folder_ / name, 1 << 20);
    for (int i = 0; i < 300; ++i) {
      std::string damaged = whole;
      // Mostly in the first bytes, where the headers are.
      const std::size_t place =
          rng.index(i % 3 ? std::min<std::size_t>(whole.size(), 120) : whole.size());
      damaged[place] = static_cast<char>(rng());
      folder_.write(name, damaged);
      try {
        const DataSource source = read();
        EXPECT_EQ(
            source.train.labels.size() * static_cast<std::size_t>(source.train.shape.elements()),
            source.train.bytes.size() + source.train.floats.size());
      } catch (const Error& error) {
        EXPECT_THAT(error.what(), AnyOf(StartsWith(folder_.path().string()),
                                        StartsWith("a.yaml:1:1: no training sample")));
      }
    }
    folder_.write(name, whole);
  }
}

TEST_P(Reader, NamesTheFileThatIsEmpty) {
  for (const std::string& name : fixture_.files) {
    const std::string whole = read_file(folder_ / name, 1 << 20);
    folder_.write(name, "");
    EXPECT_THAT(message_of([&] { read(); }), HasSubstr(name));
    folder_.write(name, whole);
  }
}

TEST_P(Reader, SaysWhichFileIsMissing) {
  if (GetParam().name == "png_folder") GTEST_SKIP() << "any image may be missing from a folder";
  for (const std::string& name : fixture_.files) {
    const std::string whole = read_file(folder_ / name, 1 << 20);
    std::filesystem::remove(folder_ / name);
    try {
      read();
      ADD_FAILURE() << "was read without " << name;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kNotFound) << error.what();
      EXPECT_THAT(error.what(), HasSubstr(std::filesystem::path(name).stem().string()));
    }
    folder_.write(name, whole);
  }
}

TEST_P(Reader, RefusesUnknownOptions) {
  std::string options = fixture_.options;
  options.insert(options.find('}'), ", surprise: 1 ");
  EXPECT_THAT(message_of([&] { read(options); }),
              AllOf(HasSubstr("a.yaml:1:"), HasSubstr("unknown key 'surprise'")));
}

TEST_P(Reader, HasANameAndASummary) {
  EXPECT_FALSE(GetParam().name.empty());
  EXPECT_FALSE(GetParam().summary.empty());
}

INSTANTIATE_TEST_SUITE_P(All, Reader, ::testing::ValuesIn(readers().begin(), readers().end()),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(ReadData, RefusesUnknownReadersAndNamesTheNearest) {
  EXPECT_THAT(message_of([] { read_data(Config::parse("{ name: fashion_mnst }", "a.yaml")); }),
              HasSubstr("a.yaml:1:9: name: unknown name 'fashion_mnst', did you mean "
                        "'fashion_mnist'?"));
}

}  // namespace
}  // namespace hwnas::data
