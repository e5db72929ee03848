#include "bench/cost_quality.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

#include "bench/cost_figures.hpp"
#include "core/error.hpp"

namespace hwnas::bench {
namespace {

using estimators::Agreement;

QualityOptions figure_options(std::string_view name) {
  const char* const folder = std::getenv("HWNAS_DATA");
  return cost_figure(name, folder != nullptr ? folder : HWNAS_SOURCE_DIR "/../shared/data").options;
}

TEST(CostQuality, OfTenMeasurementsOnHelpsDevicesIsAboveThePublishedOne) {
  QualityOptions options = figure_options("help_nb201_10");
  if (!std::filesystem::exists(options.tables.front())) GTEST_SKIP() << "set HWNAS_DATA";
  options.draws = 1;
  options.targets = {"gold_6226", "raspi4"};  // HELP has .989 and .890 with 20
  const auto qualities = measure_quality(options);
  EXPECT_GT(over_draws(qualities[0], &Agreement::spearman).mean, 0.989);
  EXPECT_GT(over_draws(qualities[1], &Agreement::spearman).mean, 0.94);
}

TEST(CostQuality, IsTheSameInEveryRun) {
  QualityOptions options = figure_options("help_nb201_5");
  if (!std::filesystem::exists(options.tables.front())) GTEST_SKIP() << "set HWNAS_DATA";
  options.draws = 2;
  options.targets = {"raspi4"};
  const auto first = measure_quality(options).front();
  const auto second = measure_quality(options).front();
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(first.draws[i].mape, second.draws[i].mape);
    EXPECT_EQ(first.draws[i].spearman, second.draws[i].spearman);
  }
  EXPECT_NE(first.draws[0].mape, first.draws[1].mape);
}

TEST(CostQuality, RefusesMoreMeasurementsThanThereAreNetworks) {
  QualityOptions options = figure_options("help_nb201_5");
  if (!std::filesystem::exists(options.tables.front())) GTEST_SKIP() << "set HWNAS_DATA";
  options.samples = {5'000};
  EXPECT_THROW(measure_quality(options), Error);
}

TEST(DrawStatistics, AverageOverDevicesWithinEachDraw) {
  const auto draw = [](double rho) { return Agreement{.spearman = rho}; };
  const std::vector<DeviceQuality> qualities = {
      {.device = "a", .samples = 5, .draws = {draw(0.5), draw(1.0)}, .fit_seconds = {}},
      {.device = "b", .samples = 5, .draws = {draw(1.0), draw(0.7)}, .fit_seconds = {}}};
  const DrawStatistic rho = over_draws(qualities, &Agreement::spearman);
  EXPECT_DOUBLE_EQ(rho.mean, 0.8);
  EXPECT_DOUBLE_EQ(rho.worst, 0.75);
  EXPECT_DOUBLE_EQ(over_draws(qualities[0], &Agreement::spearman).worst, 0.5);
}

TEST(CostFigures, AreNamedWhereOneIsUnknown) {
  EXPECT_THROW(cost_figure("help", "data"), Error);
  EXPECT_THROW(protocol_of("all"), Error);
}

}  // namespace
}  // namespace hwnas::bench
