#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "core/error.hpp"
#include "data/dataset.hpp"
#include "tests/core/message_of.hpp"

namespace hwnas::data {
namespace {

using ::testing::HasSubstr;
using Indices = std::vector<std::size_t>;

/// A data set of labels only, with so many samples of each class, the classes interleaved.
Dataset labelled(std::vector<std::size_t> class_sizes) {
  Dataset dataset;
  for (std::size_t label = 0; label < class_sizes.size(); ++label) {
    dataset.class_names.push_back("class" + std::to_string(label));
  }
  while (std::ranges::any_of(class_sizes, [](std::size_t left) { return left > 0; })) {
    for (std::size_t label = 0; label < class_sizes.size(); ++label) {
      if (class_sizes[label] == 0) continue;
      --class_sizes[label];
      dataset.labels.push_back(static_cast<std::int64_t>(label));
    }
  }
  return dataset;
}

Indices all_of(const Dataset& dataset) {
  Indices indices(dataset.size());
  std::iota(indices.begin(), indices.end(), 0);
  return indices;
}

std::vector<std::size_t> class_sizes(const Dataset& dataset, const Indices& indices) {
  std::vector<std::size_t> sizes(dataset.class_names.size());
  for (const std::size_t index : indices) ++sizes[static_cast<std::size_t>(dataset.labels[index])];
  return sizes;
}

TEST(StratifiedSplit, PartsAreDisjointSortedAndComplete) {
  const Dataset dataset = labelled({50, 31, 7, 2});
  const Split split = stratified_split(dataset, 0.2, 7);
  EXPECT_TRUE(std::ranges::is_sorted(split.train));
  EXPECT_TRUE(std::ranges::is_sorted(split.validation));
  Indices both = split.train;
  both.insert(both.end(), split.validation.begin(), split.validation.end());
  std::ranges::sort(both);
  EXPECT_EQ(both, all_of(dataset));
}

TEST(StratifiedSplit, EachClassIsDividedInProportion) {
  const Dataset dataset = labelled({50, 31, 7, 2});
  for (const double fraction : {0.01, 0.1, 0.2, 0.5, 0.9, 0.999}) {
    const Split split = stratified_split(dataset, fraction, 7);
    const auto all = class_sizes(dataset, all_of(dataset));
    const auto validation = class_sizes(dataset, split.validation);
    for (std::size_t label = 0; label < all.size(); ++label) {
      EXPECT_NEAR(static_cast<double>(validation[label]),
                  fraction * static_cast<double>(all[label]), 1.0);
      EXPECT_GE(validation[label], 1u);
      EXPECT_LT(validation[label], all[label]);
    }
  }
}

TEST(StratifiedSplit, FollowsFromTheSeedAlone) {
  const Dataset dataset = labelled({50, 50});
  EXPECT_EQ(stratified_split(dataset, 0.5, 1).train, stratified_split(dataset, 0.5, 1).train);
  EXPECT_NE(stratified_split(dataset, 0.5, 1).train, stratified_split(dataset, 0.5, 2).train);
}

TEST(StratifiedSplit, NamesTheClassThatIsTooSmall) {
  EXPECT_THAT(message_of([] {
                stratified_split(labelled({5, 1}), 0.5, 1);
              }),
              HasSubstr("class 'class1' has 1 training samples"));
  EXPECT_THAT(message_of([] {
                stratified_split(labelled({5, 0}), 0.5, 1);
              }),
              HasSubstr("class 'class1' has 0 training samples"));
}

TEST(StratifiedSubset, HasExactlyTheCountInProportion) {
  const Dataset dataset = labelled({60, 30, 10});
  const Indices indices = all_of(dataset);
  for (std::size_t count = 1; count < indices.size(); ++count) {
    const Indices subset = stratified_subset(dataset, indices, count, 3);
    ASSERT_EQ(subset.size(), count);
    EXPECT_TRUE(std::ranges::is_sorted(subset));
    EXPECT_EQ(std::set<std::size_t>(subset.begin(), subset.end()).size(), count);
    const auto sizes = class_sizes(dataset, subset);
    const double shares[] = {0.6, 0.3, 0.1};
    for (std::size_t label = 0; label < 3; ++label) {
      EXPECT_LT(
          std::abs(static_cast<double>(sizes[label]) - shares[label] * static_cast<double>(count)),
          1.0);
    }
  }
}

TEST(StratifiedSubset, TakesOnlyTheGivenIndices) {
  const Dataset dataset = labelled({50, 50});
  const Split split = stratified_split(dataset, 0.3, 1);
  const Indices subset = stratified_subset(dataset, split.train, 20, 1);
  EXPECT_TRUE(std::ranges::includes(split.train, subset));
}

TEST(StratifiedSubset, CountsOfZeroOrMoreThanThereAreTakeAll) {
  const Dataset dataset = labelled({5, 5});
  const Indices indices = {9, 1, 4};
  EXPECT_EQ(stratified_subset(dataset, indices, 0, 1), indices);
  EXPECT_EQ(stratified_subset(dataset, indices, 3, 1), indices);
  EXPECT_EQ(stratified_subset(dataset, indices, 99, 1), indices);
}

TEST(StratifiedSubset, FollowsFromTheSeedAlone) {
  const Dataset dataset = labelled({50, 50});
  const Indices indices = all_of(dataset);
  EXPECT_EQ(stratified_subset(dataset, indices, 40, 1), stratified_subset(dataset, indices, 40, 1));
  EXPECT_NE(stratified_subset(dataset, indices, 40, 1), stratified_subset(dataset, indices, 40, 2));
}

TEST(Normalisation, IsMeasuredPerChannelOverTheGivenSamples) {
  const Dataset dataset{
      {2, 1, 2}, {}, {1, 3, 10, 10, 5, 7, 10, 10, 99, 99, 99, 99}, {0, 0, 0}, {"a"}};
  const Normalisation normalisation = measure_normalisation(dataset, Indices{0, 1});
  ASSERT_EQ(normalisation.mean.size(), 2u);
  EXPECT_FLOAT_EQ(normalisation.mean[0], 4);
  EXPECT_FLOAT_EQ(normalisation.std_dev[0], std::sqrt(5.0f));
  EXPECT_FLOAT_EQ(normalisation.mean[1], 10);
  EXPECT_FLOAT_EQ(normalisation.std_dev[1], 1);  // constant
}

TEST(Normalisation, BytesAreScaledToOneFirst) {
  const Dataset dataset{{1, 1, 2}, {0, 255, 51, 204}, {}, {0, 0}, {"a"}};
  const Normalisation normalisation = measure_normalisation(dataset, Indices{0, 1});
  EXPECT_FLOAT_EQ(normalisation.mean[0], 0.5);
  EXPECT_FLOAT_EQ(normalisation.std_dev[0], std::sqrt((0.25f + 0.09f) / 2));
}

TEST(Normalisation, SmallChangesBesideALargeMeanAreKept) {
  const Dataset dataset{{1, 1, 4}, {}, {1e4f, 1e4f + 1, 1e4f, 1e4f + 1}, {0}, {"a"}};
  EXPECT_FLOAT_EQ(measure_normalisation(dataset, Indices{0}).std_dev[0], 0.5);
}

TEST(Normalisation, ConstantChannelsGetADeviationOfOne) {
  const Dataset floats{{1, 1, 3}, {}, {0.1f, 0.1f, 0.1f}, {0}, {"a"}};
  EXPECT_EQ(measure_normalisation(floats, Indices{0}).std_dev[0], 1);
  const Dataset bytes{{1, 1, 3}, {77, 77, 77}, {}, {0}, {"a"}};
  EXPECT_EQ(measure_normalisation(bytes, Indices{0}).std_dev[0], 1);
  const Dataset zeros{{1, 1, 2}, {}, {0, 0}, {0}, {"a"}};
  EXPECT_EQ(measure_normalisation(zeros, Indices{0}).std_dev[0], 1);
}

}  // namespace
}  // namespace hwnas::data
