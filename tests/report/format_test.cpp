#include <gtest/gtest.h>

#include <cmath>

#include "report/metric.hpp"
#include "report/svg.hpp"
#include "report/text.hpp"

namespace hwnas::report {
namespace {

std::string shown(std::string_view metric, double value) {
  return format_value(metric_style(metric), value);
}

TEST(Format, ReadsTheUnitOffTheEndOfTheName) {
  EXPECT_EQ(shown("latency_ms", 3.14159), "3.14 ms");
  EXPECT_EQ(shown("energy_mj", 0.05), "0.0500 mJ");
  EXPECT_EQ(shown("flash_bytes", 62417), "62.4 kB");
  EXPECT_EQ(shown("flash_bytes", 64000), "64 kB");
  EXPECT_EQ(shown("peak_sram_bytes", 2.5e6), "2.50 MB");
  EXPECT_EQ(shown("val_top1", 91.2), "91.20 %");
  EXPECT_EQ(shown("macs", 12.4e6), "12.4 M");
  EXPECT_EQ(shown("something_else", 7), "7");
  EXPECT_EQ(shown("latency_ms", NAN), "–");
}

TEST(Format, GivesIntervalsTwoDigitsAndTheirValueNoFewerDecimals) {
  const auto interval = [](std::string_view metric, double value, double half) {
    return format_with_interval(metric_style(metric), value, half);
  };
  EXPECT_EQ(interval("energy_mj", 4.987, 0.7391), "4.99 ± 0.74 mJ");
  EXPECT_EQ(interval("latency_ms", 14.5431, 0.0957), "14.543 ± 0.096 ms");
  EXPECT_EQ(interval("flash_bytes", 62417, 1234), "62.4 ± 1.2 kB");
  EXPECT_EQ(interval("latency_ms", 14.5431, 0), "14.5 ms");
}

TEST(Format, NamesMetricsInWords) {
  EXPECT_EQ(metric_style("val_top1").label, "validation top-1");
  EXPECT_EQ(metric_style("latency_ms").label, "latency");
  EXPECT_EQ(metric_style("cold_start_ms").label, "cold start");
}

TEST(Format, WritesDurationsInTheirOwnUnits) {
  EXPECT_EQ(format_duration(0.85), "850 ms");
  EXPECT_EQ(format_duration(12.34), "12.3 s");
  EXPECT_EQ(format_duration(247), "4 min 07 s");
  EXPECT_EQ(format_duration(7500), "2 h 05 min");
}

TEST(Format, TakesTheMeasuredValueBeforeThePredictedOne) {
  const std::vector<MetricValue> metrics = {{"latency_ms", 5, 0, estimators::Origin::kMeasured},
                                            {"latency_ms", 4, 1, estimators::Origin::kPredicted},
                                            {"energy_mj", NAN, 0, estimators::Origin::kMeasured}};
  EXPECT_EQ(best_known(metrics, "latency_ms")->value, 5);
  EXPECT_EQ(best_known(metrics, "energy_mj"), nullptr);
  EXPECT_EQ(best_known(metrics, "macs"), nullptr);
}

TEST(Svg, TicksAreRoundNumbersInsideTheRange) {
  EXPECT_EQ(svg::nice_ticks({0, 10}, 5), (std::vector<double>{0, 2, 4, 6, 8, 10}));
  EXPECT_EQ(svg::nice_ticks({-1.2, 1.2}, 4), (std::vector<double>{-1, 0, 1}));
  for (const double scale : {1e-9, 1e-3, 1.0, 1e6, 1e12}) {
    const std::size_t count = svg::nice_ticks({0.3 * scale, 7.7 * scale}, 6).size();
    EXPECT_GE(count, 3U) << scale;
    EXPECT_LE(count, 9U) << scale;
  }
}

TEST(Svg, AnyRangeCanBeAnAxis) {
  for (const double value : {0.0, -3.0, 1e-12, 1e15}) {
    svg::Range range;
    range.include(value);
    range.include(NAN);
    range.include(INFINITY);
    EXPECT_GT(range.padded(0.05).span(), 0) << value;
  }
  EXPECT_GT(svg::Range{}.padded(0.05).span(), 0);
}

TEST(Text, EscapesForHtmlAndForScripts) {
  EXPECT_EQ(escape("<a href='x'>\"&\x02"), "&lt;a href=&#39;x&#39;&gt;&quot;&amp;\xEF\xBF\xBD");
  EXPECT_EQ(escape_for_script("\"</script>&\""), "\"\\u003c/script\\u003e\\u0026\"");
}

TEST(Text, HashesAsAContentSecurityPolicyWants) {
  // SHA-256 of the empty text, FIPS 180-4, in base64.
  EXPECT_EQ(csp_hash(""), "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='");
}

}  // namespace
}  // namespace hwnas::report
