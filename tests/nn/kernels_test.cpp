#include "nn/kernels.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <tuple>
#include <vector>

#include "core/rng.hpp"

namespace hwnas::nn {
namespace {

// Every instruction set against the arithmetic written out, over channel counts around and between
// multiples of the vectors and rows from one up: a compiler once kept a stale stretch length for
// some.

struct Case {
  const Kernels* kernels;
  int channels;
  int rows;
};

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const Kernels* const* set = supported_kernels(); *set != nullptr; ++set) {
    for (const int channels : {1, 3, 8, 10, 16, 17, 24, 40, 96, 130}) {
      for (const int rows : {1, 2, 15, 64, 701}) cases.push_back({*set, channels, rows});
    }
  }
  return cases;
}

class KernelsTest : public testing::TestWithParam<Case> {
 protected:
  std::vector<float> draw(std::size_t count, double spread = 4) {
    std::vector<float> values(count);
    for (float& value : values) value = static_cast<float>(spread * (2 * rng_.uniform() - 1));
    return values;
  }
  Extent extent() const { return {GetParam().rows, GetParam().channels}; }
  std::size_t elements() const { return std::size_t(GetParam().rows) * GetParam().channels; }
  std::size_t channels() const { return GetParam().channels; }
  const Kernels& kernels() const { return *GetParam().kernels; }

  Rng rng_{7};
};

double activate(FusedActivation activation, double z) {
  switch (activation) {
    case FusedActivation::kNone:
      return z;
    case FusedActivation::kRelu:
      return std::max(z, 0.0);
    case FusedActivation::kRelu6:
      return std::min(std::max(z, 0.0), 6.0);
    case FusedActivation::kHardSwish:
      return z * std::min(std::max(z + 3, 0.0), 6.0) / 6;
  }
  return z;
}

double slope(FusedActivation activation, double z) {
  switch (activation) {
    case FusedActivation::kNone:
      return 1;
    case FusedActivation::kRelu:
      return z > 0;
    case FusedActivation::kRelu6:
      return z > 0 && z < 6;
    case FusedActivation::kHardSwish:
      return z <= -3 ? 0 : z >= 3 ? 1 : (2 * z + 3) / 6;
  }
  return 1;
}

constexpr FusedActivation kActivations[] = {FusedActivation::kNone, FusedActivation::kRelu,
                                            FusedActivation::kRelu6, FusedActivation::kHardSwish};

float widen(Bfloat16 value) {
  return std::bit_cast<float>(std::uint32_t{value.bits} << 16);
}

/// Those of `values`, which lose what a bfloat16 has no bits for.
std::vector<Bfloat16> shorten(std::vector<float>& values) {
  std::vector<Bfloat16> shorter;
  for (float& value : values) {
    shorter.push_back({static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16)});
    value = widen(shorter.back());
  }
  return shorter;
}

/// Half a unit in the last of 8 bits.
void expect_rounded(const std::vector<Bfloat16>& rounded, const std::vector<float>& exact) {
  for (std::size_t i = 0; i < exact.size(); ++i) {
    ASSERT_NEAR(widen(rounded[i]), exact[i], std::abs(exact[i]) / 256 + 1e-6) << i;
  }
}

TEST_P(KernelsTest, BfloatsAreComputedAsFloatsAndRounded) {
  auto x = draw(elements());
  auto dy = draw(elements());
  const auto scale = draw(channels());
  const auto shift = draw(channels());
  const ChannelAffine affine{scale.data(), shift.data()};
  const auto short_x = shorten(x);
  const auto short_dy = shorten(dy);
  const auto& floats = kernels().of_floats;
  const auto& bfloats = kernels().of_bfloats;
  constexpr auto kRelu6 = FusedActivation::kRelu6;

  std::vector<double> sums(4 * channels()), short_sums(4 * channels());
  double* const parts = sums.data();
  double* const short_parts = short_sums.data();
  floats.moments(extent(), x.data(), shift.data(), parts, parts + channels());
  bfloats.moments(extent(), short_x.data(), shift.data(), short_parts, short_parts + channels());
  floats.reduce_gradient(extent(), kRelu6, dy.data(), x.data(), nullptr, affine, shift.data(),
                         parts + 2 * channels(), parts + 3 * channels());
  bfloats.reduce_gradient(extent(), kRelu6, short_dy.data(), short_x.data(), nullptr, affine,
                          shift.data(), short_parts + 2 * channels(), short_parts + 3 * channels());
  for (std::size_t i = 0; i < sums.size(); ++i) {
    EXPECT_NEAR(short_sums[i], sums[i], 1e-5 * (1 + std::abs(sums[i]))) << i;
  }

  std::vector<float> y(elements()), dx(elements()), d_residual(elements());
  std::vector<Bfloat16> short_y(elements()), short_dx(elements()), short_d_residual(elements());
  floats.apply(extent(), kRelu6, x.data(), affine, dy.data(), y.data());
  bfloats.apply(extent(), kRelu6, short_x.data(), affine, short_dy.data(), short_y.data());
  expect_rounded(short_y, y);
  floats.apply_gradient(extent(), kRelu6, dy.data(), x.data(), nullptr, affine, scale.data(),
                        shift.data(), scale.data(), dx.data(), d_residual.data());
  bfloats.apply_gradient(extent(), kRelu6, short_dy.data(), short_x.data(), nullptr, affine,
                         scale.data(), shift.data(), scale.data(), short_dx.data(),
                         short_d_residual.data());
  expect_rounded(short_dx, dx);
  expect_rounded(short_d_residual, d_residual);
}

TEST_P(KernelsTest, MomentsAreSumsAboutThePivot) {
  const auto x = draw(elements());
  const auto pivot = draw(channels());
  std::vector<double> sum(channels(), 0.5);
  std::vector<double> squares(channels(), 0.25);
  kernels().of_floats.moments(extent(), x.data(), pivot.data(), sum.data(), squares.data());
  for (std::size_t c = 0; c < channels(); ++c) {
    double expected_sum = 0.5;
    double expected_squares = 0.25;
    for (std::size_t i = c; i < elements(); i += channels()) {
      expected_sum += double(x[i]) - pivot[c];
      expected_squares += std::pow(double(x[i]) - pivot[c], 2);
    }
    EXPECT_NEAR(sum[c], expected_sum, 1e-4 * GetParam().rows);
    EXPECT_NEAR(squares[c], expected_squares, 1e-4 * GetParam().rows);
  }
}

TEST_P(KernelsTest, ApplyScalesShiftsAddsAndActivates) {
  const auto x = draw(elements());
  const auto scale = draw(channels());
  const auto shift = draw(channels());
  const auto residual = draw(elements());
  std::vector<float> y(elements());
  for (const auto activation : kActivations) {
    for (const bool with_residual : {false, true}) {
      kernels().of_floats.apply(extent(), activation, x.data(), {scale.data(), shift.data()},
                                with_residual ? residual.data() : nullptr, y.data());
      for (std::size_t i = 0; i < elements(); ++i) {
        const std::size_t c = i % channels();
        const double z = double(x[i]) * scale[c] + shift[c] + (with_residual ? residual[i] : 0);
        ASSERT_NEAR(y[i], activate(activation, z), 2e-5) << i;
      }
    }
  }
}

TEST_P(KernelsTest, GradientsAreThoseOfTheFormula) {
  const auto x = draw(elements());
  const auto dy = draw(elements());
  const auto scale = draw(channels());
  const auto shift = draw(channels());
  const auto mean = draw(channels());
  const auto a = draw(channels());
  const auto b = draw(channels());
  const auto c = draw(channels());
  const ChannelAffine affine{scale.data(), shift.data()};
  for (const auto activation : kActivations) {
    std::vector<double> sum(channels(), 0);
    std::vector<double> weighted(channels(), 0);
    std::vector<float> dx(elements());
    kernels().of_floats.reduce_gradient(extent(), activation, dy.data(), x.data(), nullptr, affine,
                                        mean.data(), sum.data(), weighted.data());
    kernels().of_floats.apply_gradient(extent(), activation, dy.data(), x.data(), nullptr, affine,
                                       a.data(), b.data(), c.data(), dx.data(), nullptr);
    for (std::size_t k = 0; k < channels(); ++k) {
      double expected_sum = 0;
      double expected_weighted = 0;
      for (std::size_t i = k; i < elements(); i += channels()) {
        const double dz = slope(activation, double(x[i]) * scale[k] + shift[k]) * dy[i];
        expected_sum += dz;
        expected_weighted += dz * (double(x[i]) - mean[k]);
        ASSERT_NEAR(dx[i], a[k] * dz + b[k] * x[i] + c[k], 1e-4);
      }
      EXPECT_NEAR(sum[k], expected_sum, 1e-4 * GetParam().rows);
      EXPECT_NEAR(weighted[k], expected_weighted, 1e-4 * GetParam().rows);
    }
  }
}

TEST_P(KernelsTest, WithAResidualTheOutputTellsTheSlope) {
  const auto x = draw(elements());
  const auto y = draw(elements(), 9);
  const auto dy = draw(elements());
  const std::vector<float> ones(channels(), 1);
  const std::vector<float> zeros(channels(), 0);
  const ChannelAffine affine{ones.data(), zeros.data()};
  for (const auto activation : {FusedActivation::kRelu, FusedActivation::kRelu6}) {
    std::vector<float> dx(elements());
    std::vector<float> d_residual(elements());
    kernels().of_floats.apply_gradient(extent(), activation, dy.data(), x.data(), y.data(), affine,
                                       ones.data(), zeros.data(), zeros.data(), dx.data(),
                                       d_residual.data());
    for (std::size_t i = 0; i < elements(); ++i) {
      ASSERT_EQ(d_residual[i], static_cast<float>(slope(activation, y[i])) * dy[i]);
      ASSERT_EQ(dx[i], d_residual[i]);
    }
  }
}

TEST_P(KernelsTest, FakeQuantizationRoundsInsideTheRangeAndClampsOutside) {
  const auto x = draw(elements());
  const FakeQuantizer quantizer{.scale = 0.3F, .lowest = -2, .highest = 7.5F};
  std::vector<float> y(elements());
  kernels().fake_quantize(std::ssize(x), quantizer, x.data(), y.data());
  for (std::size_t i = 0; i < elements(); ++i) {
    const float v = std::clamp(x[i] / 0.3F, -2.0F, 7.5F);
    ASSERT_EQ(y[i], 0.3F * std::nearbyint(v)) << x[i];
  }
}

TEST_P(KernelsTest, FakeQuantizationPassesGradientsInsideAndSumsThoseOfTheScale) {
  const auto x = draw(elements());
  const auto dy = draw(elements());
  const FakeQuantizer quantizer{
      .scale = 0.3F, .lowest = -2, .highest = 7, .slope_below = -3, .slope_above = 5};
  std::vector<float> dx(elements());
  const double sum =
      kernels().fake_quantize_gradient(std::ssize(x), quantizer, dy.data(), x.data(), dx.data());
  double expected = 0;
  for (std::size_t i = 0; i < elements(); ++i) {
    const float v = x[i] / 0.3F;
    const bool inside = v >= -2 && v <= 7;
    ASSERT_EQ(dx[i], inside ? dy[i] : 0.0F) << x[i];
    expected += dy[i] * (inside ? std::nearbyint(v) - v : v < -2 ? -3.0F : 5.0F);
  }
  EXPECT_NEAR(sum, expected, 1e-5 * static_cast<double>(elements()) + 1e-5);
}

TEST_P(KernelsTest, FakeQuantizationKeepsWhatIsNotANumber) {
  std::vector<float> x(elements(), 0.5F);
  x.back() = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> y(elements());
  kernels().fake_quantize(std::ssize(x), {.scale = 1, .lowest = -1, .highest = 1}, x.data(),
                          y.data());
  EXPECT_TRUE(std::isnan(y.back()));
}

INSTANTIATE_TEST_SUITE_P(AllSets, KernelsTest, testing::ValuesIn(all_cases()),
                         [](const auto& named) {
                           return std::string(named.param.kernels->name) + "_c" +
                                  std::to_string(named.param.channels) + "_r" +
                                  std::to_string(named.param.rows);
                         });

}  // namespace
}  // namespace hwnas::nn
