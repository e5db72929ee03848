#include <gtest/gtest.h>

#include "cli/format.hpp"
#include "cli/text_table.hpp"

namespace hwnas::cli {
namespace {

TEST(FormatTable, AlignsTextLeftAndNumbersRight) {
  EXPECT_EQ(format_table({{"cost", "value"}, {"macs", "1200000"}, {"latency_ms", "3.1 ± 0.2"}}),
            "cost            value\n"
            "macs          1200000\n"
            "latency_ms  3.1 ± 0.2\n");
}

TEST(FormatTable, LeavesNoBlanksAtTheEndOfALine) {
  EXPECT_EQ(format_table({{"a", "long"}, {"b", ""}, {"c", "x"}}), "a  long\nb\nc  x\n");
}

TEST(FormatNumber, KeepsWholeNumbersAndFourDigitsOfOthers) {
  EXPECT_EQ(format_number(281600), "281600");
  EXPECT_EQ(format_number(91.2512), "91.25");
  EXPECT_EQ(format_number(0.00431234), "0.004312");
  EXPECT_EQ(format_number(12345.6), "12346");
  EXPECT_EQ(format_number(-0.5), "-0.5");
}

TEST(FormatMetric, ShowsADeviationOnlyWhereThereIsOne) {
  EXPECT_EQ(format_metric(12.3, 1.14), "12.3 ± 1.1");
  EXPECT_EQ(format_metric(12.3, 0), "12.3");
}

TEST(ShellQuoted, QuotesOnlyWhatAShellWouldChange) {
  EXPECT_EQ(shell_quoted("runs/fashion_mnist-1.0"), "runs/fashion_mnist-1.0");
  EXPECT_EQ(shell_quoted("my runs/a"), "'my runs/a'");
  EXPECT_EQ(shell_quoted("it's"), "'it'\\''s'");
  EXPECT_EQ(shell_quoted(""), "''");
  EXPECT_EQ(shell_quoted("~user"), "'~user'");
}

}  // namespace
}  // namespace hwnas::cli
