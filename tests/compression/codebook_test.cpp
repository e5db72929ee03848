#include "compression/codebook.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "tests/core/message_of.hpp"

namespace hwnas::compression {
namespace {

using ::testing::HasSubstr;

ir::Array normal_array(std::vector<std::int64_t> shape, std::uint64_t seed) {
  Rng rng(seed);
  ir::Array array{std::move(shape), {}};
  const auto count =
      std::accumulate(array.shape.begin(), array.shape.end(), std::int64_t{1}, std::multiplies<>());
  for (std::int64_t i = 0; i < count; ++i) array.values.push_back(static_cast<float>(rng.normal()));
  return array;
}

double mean_square(const ir::Array& a, const ir::Array& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.values.size(); ++i) {
    sum += std::pow(double{a.values[i]} - b.values[i], 2);
  }
  return sum / static_cast<double>(a.values.size());
}

double error_of(const ir::Array& weights, const CodebookOptions& options) {
  Rng rng(1);
  return mean_square(weights, decode(encode(weights, options, rng)));
}

TEST(Codebook, ArraysWithFewerPatternsThanCodewordsComeBackExactly) {
  ir::Array weights{{4, 4, 1, 1}, {}};
  for (int o = 0; o < 4; ++o) {
    const bool odd = o % 2 == 1;
    for (const float value : {1.0F, -0.5F, 0.25F, 2.0F}) {
      weights.values.push_back(odd ? -value : value);
    }
  }
  Rng rng(1);
  const CodedWeights coded = encode(weights, {.codewords = 4, .subvector = 2}, rng);
  EXPECT_EQ(decode(coded), weights);
  EXPECT_EQ(coded.codewords(), 4);
}

TEST(Codebook, BytesAreThoseOfCodesCodebookAndOrder) {
  const ir::Array weights = normal_array({32, 16, 3, 3}, 2);
  Rng rng(1);
  const CodedWeights kernels =
      encode(weights, {.codewords = 64, .subvector = 9, .iterations = 2}, rng);
  EXPECT_EQ(kernels.bytes(), 32 * 16 * 6 / 8 + 2 * 64 * 9) << "one kernel a code: no order to keep";
  const CodedWeights pairs =
      encode(weights, {.codewords = 64, .subvector = 18, .iterations = 2}, rng);
  EXPECT_EQ(pairs.bytes(), 32 * 8 * 6 / 8 + 2 * 64 * 18 + 2 * 16);
}

TEST(Codebook, ErrorShrinksWithMoreCodewordsAndShorterSubvectors) {
  const ir::Array weights = normal_array({64, 32, 1, 1}, 3);
  const double coarse = error_of(weights, {.codewords = 16, .subvector = 8});
  const double finer = error_of(weights, {.codewords = 64, .subvector = 8});
  const double shorter = error_of(weights, {.codewords = 64, .subvector = 4});
  EXPECT_LT(coarse, 1);
  EXPECT_LT(finer, 0.9 * coarse);
  EXPECT_LT(shorter, 0.7 * finer);
}

/// Means of clusters are at the mean of what they stand for.
TEST(Codebook, ClusteringEndsBelowItsRandomStart) {
  const ir::Array weights = normal_array({64, 32, 1, 1}, 4);
  const double start = error_of(weights, {.codewords = 32, .subvector = 4, .iterations = 1});
  EXPECT_LT(error_of(weights, {.codewords = 32, .subvector = 4, .iterations = 60}), 0.8 * start);
}

TEST(Codebook, AGoodOrderOfChannelsLowersTheErrorOfUnequalOnes) {
  ir::Array weights = normal_array({64, 32, 1, 1}, 5);
  for (std::size_t i = 0; i < weights.values.size(); ++i) {
    // Loud and quiet channels take turns, in blocks that the plain order mixes.
    weights.values[i] *=
        (i % 32) % 8 < 4 ? (i % 32 < 16 ? 8.0F : 0.1F) : (i % 32 < 16 ? 0.1F : 8.0F);
  }
  const double plain = error_of(weights, {.codewords = 32, .subvector = 8, .permutation_steps = 0});
  EXPECT_LT(error_of(weights, {.codewords = 32, .subvector = 8}), 0.8 * plain);
}

TEST(Codebook, IsTheSameForTheSameSeed) {
  const ir::Array weights = normal_array({16, 16}, 6);
  Rng first(9);
  Rng second(9);
  const CodedWeights a = encode(weights, {.codewords = 16, .subvector = 4}, first);
  const CodedWeights b = encode(weights, {.codewords = 16, .subvector = 4}, second);
  EXPECT_EQ(a.codes, b.codes);
  EXPECT_EQ(a.codebook, b.codebook);
}

TEST(Codebook, WhatDoesNotDivideIsRefused) {
  Rng rng(1);
  const auto message = [&](const ir::Array& weights, const CodebookOptions& options) {
    return message_of([&] { encode(weights, options, rng); });
  };
  const ir::Array weights = normal_array({8, 6, 3, 3}, 7);
  EXPECT_THAT(message(weights, {.subvector = 8}), HasSubstr("subvectors of 8"));
  EXPECT_THAT(message(weights, {.subvector = 36}), HasSubstr("divide 6 inputs"));
  EXPECT_THAT(message(weights, {.codewords = 1, .subvector = 9}), HasSubstr("codewords"));
  EXPECT_THAT(message(normal_array({8}, 7), {}), HasSubstr("two dimensions"));
  EXPECT_EQ(message(weights, {.codewords = 8, .subvector = 3, .iterations = 1}), "no error");
}

}  // namespace
}  // namespace hwnas::compression
