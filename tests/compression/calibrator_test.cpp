#include "compression/calibrator.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "core/rng.hpp"
#include "ir/quantized_network.hpp"

namespace hwnas::compression {
namespace {

/// 20,000 normal values, and one far away.
std::vector<float> values_with_an_outlier() {
  Rng rng(1);
  std::vector<float> values(20'000);
  for (float& value : values) value = static_cast<float>(rng.normal());
  values[77] = 300;
  return values;
}

double mean_squared_error(const std::vector<float>& values, const ir::Quantization& quantization) {
  const auto rounded = ir::dequantize(quantization, ir::quantize(quantization, values));
  double sum = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    sum += (values[i] - rounded[i]) * (values[i] - rounded[i]);
  }
  return sum / static_cast<double>(values.size());
}

TEST(Histogram, KeepsEveryValueWhateverItsSize) {
  Histogram histogram;
  histogram.add(std::vector<float>{0, 1e-7F, -3, 5e4F, 1});
  EXPECT_EQ(histogram.total(), 5);
  EXPECT_EQ(histogram.lowest(), -3);
  EXPECT_EQ(histogram.highest(), 5e4F);
  double sum = 0;
  for (const double count : histogram.counts()) sum += count;
  EXPECT_EQ(sum, 5);
}

TEST(Histogram, RefusesWhatIsNotFinite) {
  Histogram histogram;
  EXPECT_THROW(histogram.add(std::vector<float>{NAN}), Error);
}

class EveryCalibrator : public testing::TestWithParam<CalibratorInfo> {};

TEST_P(EveryCalibrator, CoversZeroAndNoMoreThanWasSeen) {
  Histogram histogram;
  histogram.add(std::vector<float>{0.5F, 1, 2, 3, 3.5F});
  const RealRange range = GetParam().range(histogram);
  EXPECT_LE(range.lowest, 0);
  EXPECT_GT(range.highest, 0.5);
  EXPECT_LE(range.highest, 3.5);
}

TEST_P(EveryCalibrator, HandlesTensorsThatAreZeroThroughout) {
  Histogram histogram;
  histogram.add(std::vector<float>{0, 0, 0});
  const ir::Quantization quantization = covering(GetParam().range(histogram), 8);
  EXPECT_GT(quantization.scale, 0);
}

INSTANTIATE_TEST_SUITE_P(All, EveryCalibrator,
                         testing::ValuesIn(calibrators().begin(), calibrators().end()),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(Calibrators, MinMaxCoversAnOutlierAndTheOthersLeaveItOut) {
  const std::vector<float> values = values_with_an_outlier();
  Histogram histogram;
  histogram.add(values);
  EXPECT_EQ(calibrator("min_max").range(histogram).highest, 300);
  EXPECT_LT(calibrator("percentile").range(histogram).highest, 10);
  EXPECT_LT(calibrator("kl").range(histogram).highest, 300);
}

TEST(Calibrators, MeanSquaredErrorIsLeastForItsOwnRange) {
  Rng rng(2);
  std::vector<float> values(50'000);
  for (float& value : values) {
    value = static_cast<float>(-std::log(1 - rng.uniform()));  // exponential: a long tail
  }
  Histogram histogram;
  histogram.add(values);
  const double best = mean_squared_error(values, covering(calibrator("mse").range(histogram), 8));
  for (const CalibratorInfo& other : calibrators()) {
    EXPECT_LE(best, 1.02 * mean_squared_error(values, covering(other.range(histogram), 8)))
        << other.name;
  }
}

TEST(Calibrators, ZeroIsExactlyRepresentable) {
  const ir::Quantization quantization = covering({-0.37, 2.2}, 8);
  EXPECT_EQ(ir::dequantize(quantization, ir::quantize(quantization, {0.0F})).front(), 0.0F);
  EXPECT_NEAR(quantization.scale * (127 - quantization.zero_point), 2.2, quantization.scale);
  EXPECT_EQ(covering({-3, 1}, 16).zero_point, 0);
}

TEST(Calibrators, UnknownNamesAreRefusedWithTheKnownOnes) {
  EXPECT_THROW(calibrator("entropy"), Error);
}

}  // namespace
}  // namespace hwnas::compression
