#include "core/csv.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.hpp"
#include "tests/core/gzip.hpp"
#include "tests/core/message_of.hpp"
#include "tests/core/temporary_folder.hpp"

namespace hwnas {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Rows = std::vector<std::vector<std::string>>;

Rows rows_of(const std::string& text) {
  CsvReader csv(text, "a.csv");
  Rows rows;
  while (csv.next()) rows.push_back(csv.fields());
  return rows;
}

std::string message_for(const std::string& text) {
  return message_of([&] { rows_of(text); });
}

TEST(Csv, ReadsHeaderAndRows) {
  CsvReader csv("name,ms\r\nconv,1.5\npool,2", "a.csv");
  EXPECT_THAT(csv.header(), ElementsAre("name", "ms"));
  EXPECT_EQ(csv.column("ms"), 1u);
  ASSERT_TRUE(csv.next());
  EXPECT_EQ(csv.text(0), "conv");
  EXPECT_EQ(csv.number(1), 1.5);
  EXPECT_EQ(csv.line(), 2u);
  ASSERT_TRUE(csv.next());
  EXPECT_EQ(csv.integer(1), 2);
  EXPECT_FALSE(csv.next());
}

TEST(Csv, QuotedFieldsHoldCommasQuotesAndLineEnds) {
  EXPECT_EQ(rows_of("a,b\n\"x,y\",\"say \"\"hi\"\"\"\n\"two\nlines\",\"\"\n,\n"),
            (Rows{{"x,y", "say \"hi\""}, {"two\nlines", ""}, {"", ""}}));
}

TEST(Csv, LinesAreCountedThroughQuotedLineEnds) {
  EXPECT_THAT(message_for("a,b\n\"1\n2\n3\",x\nonly one\n"),
              HasSubstr("a.csv:5: 1 fields, but the header has 2"));
}

TEST(Csv, FaultsOfTheTextHaveTheirLine) {
  EXPECT_EQ(message_for(""), "a.csv:1: the text is empty; a header row is missing");
  EXPECT_EQ(message_for("a,a\n"), "a.csv:1: two columns are named 'a'");
  EXPECT_EQ(message_for("a\n1,2\n"), "a.csv:2: 2 fields, but the header has 1");
  EXPECT_THAT(message_for("a\nx\"y\n"), HasSubstr("a.csv:2: a quote inside 'x\"y'"));
  EXPECT_THAT(message_for("a\n\"x\"y\n"), HasSubstr("a.csv:2: text after the closing quote"));
  EXPECT_EQ(message_for("a\n1\n\"x\n"), "a.csv:3: a quoted field does not end");
  EXPECT_EQ(message_for("a\n\xff\n"), "a.csv:2: byte 0xff is not valid UTF-8");
  EXPECT_THAT(message_for("\xef\xbb\xbf"
                          "a\n"),
              HasSubstr("a.csv:1: byte-order mark"));
}

TEST(Csv, NumbersSayColumnValueAndRange) {
  CsvReader csv("a,latency_ms\nx,-3\n", "a.csv");
  csv.next();
  EXPECT_EQ(message_of([&] { csv.number(0); }), "a.csv:2: column 'a': expected a number, not 'x'");
  EXPECT_EQ(message_of([&] { csv.number(1, 0); }).substr(0, 50),
            "a.csv:2: column 'latency_ms': -3 is not between 0 ");
  EXPECT_EQ(message_of([&] { csv.integer(1, 0, 9); }),
            "a.csv:2: column 'latency_ms': -3 is not between 0 and 9");
  EXPECT_EQ(message_of([&] { csv.integer(0); }),
            "a.csv:2: column 'a': expected a whole number, not 'x'");
}

TEST(Csv, UnknownColumnsNameTheNearest) {
  const CsvReader csv("name,latency_ms\n", "a.csv");
  EXPECT_TRUE(csv.has_column("name"));
  EXPECT_FALSE(csv.has_column("Name"));
  EXPECT_EQ(message_of([&] { csv.column("latencyms"); }),
            "a.csv:1: no column 'latencyms', did you mean 'latency_ms'?");
}

TEST(Csv, RowsOfAnyWidthAreReadOnDemand) {
  CsvReader csv("a,b\n1,2,3\n4\n", "a.csv", CsvReader::Width::kAny);
  ASSERT_TRUE(csv.next());
  EXPECT_EQ(csv.integer(2), 3);
  ASSERT_TRUE(csv.next());
  EXPECT_EQ(message_of([&] { csv.integer(1); }), "a.csv:3: column 'b' is missing");
  EXPECT_EQ(message_of([&] { csv.integer(5); }), "a.csv:3: field 6 is missing");
}

TEST(Csv, PackedFilesAreUnpacked) {
  const TemporaryFolder folder;
  CsvReader csv = CsvReader::open(folder.write("x.csv.gz", gzip("a\n7\n")));
  ASSERT_TRUE(csv.next());
  EXPECT_EQ(csv.integer(csv.column("a")), 7);
}

}  // namespace
}  // namespace hwnas
