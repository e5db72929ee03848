#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <numeric>

#include "core/error.hpp"
#include "core/rng.hpp"
#include "core/text.hpp"
#include "data/dataset.hpp"

namespace hwnas::data {
namespace {

using Indices = std::vector<std::size_t>;

// Keys of derive_seed: a split and a subset by the same seed have nothing to do with each other.
constexpr std::uint64_t kSplit = 1;
constexpr std::uint64_t kSubset = 2;

/// The given samples by class, each class in an order of its own.
std::vector<Indices> shuffled_classes(const Dataset& dataset, std::span<const std::size_t> indices,
                                      std::uint64_t seed, std::uint64_t purpose) {
  std::vector<Indices> classes(dataset.class_names.size());
  for (const std::size_t index : indices) {
    classes[static_cast<std::size_t>(dataset.labels[index])].push_back(index);
  }
  for (std::size_t label = 0; label < classes.size(); ++label) {
    Rng rng(derive_seed(seed, {purpose, label}));
    rng.shuffle(std::span(classes[label]));
  }
  return classes;
}

/// `total` shared out in proportion to the sizes of the classes by the method of largest
/// remainders: each share is the exact one, rounded down or up. Ties go to the lower label.
Indices proportional_shares(const std::vector<Indices>& classes, std::size_t total) {
  std::size_t samples = 0;
  for (const Indices& members : classes) samples += members.size();
  Indices shares(classes.size());
  Indices remainders(classes.size());
  std::size_t left = total;
  for (std::size_t label = 0; label < classes.size(); ++label) {
    shares[label] = classes[label].size() * total / samples;
    remainders[label] = classes[label].size() * total % samples;
    left -= shares[label];
  }
  Indices order(classes.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, std::greater{}, [&](std::size_t i) { return remainders[i]; });
  for (std::size_t i = 0; i < left; ++i) ++shares[order[i]];
  return shares;
}

}  // namespace

Split stratified_split(const Dataset& dataset, double validation_fraction, std::uint64_t seed) {
  assert(validation_fraction > 0 && validation_fraction < 1);
  Indices all(dataset.size());
  std::iota(all.begin(), all.end(), 0);
  const std::vector<Indices> classes = shuffled_classes(dataset, all, seed, kSplit);
  Split split;
  for (std::size_t label = 0; label < classes.size(); ++label) {
    const Indices& members = classes[label];
    if (members.size() < 2) {
      throw invalid_argument(
          "class {} has {} training samples, but needs one for training and one for validation",
          in_quotes(dataset.class_names[label]), members.size());
    }
    const double share = std::round(validation_fraction * static_cast<double>(members.size()));
    const auto count = static_cast<std::ptrdiff_t>(
        std::clamp(share, 1.0, static_cast<double>(members.size() - 1)));
    split.validation.insert(split.validation.end(), members.begin(), members.begin() + count);
    split.train.insert(split.train.end(), members.begin() + count, members.end());
  }
  std::ranges::sort(split.train);
  std::ranges::sort(split.validation);
  return split;
}

std::vector<std::size_t> stratified_subset(const Dataset& dataset,
                                           std::span<const std::size_t> indices, std::size_t count,
                                           std::uint64_t seed) {
  if (count == 0 || count >= indices.size()) return {indices.begin(), indices.end()};
  const std::vector<Indices> classes = shuffled_classes(dataset, indices, seed, kSubset);
  const Indices shares = proportional_shares(classes, count);
  Indices subset;
  for (std::size_t label = 0; label < classes.size(); ++label) {
    const auto begin = classes[label].begin();
    subset.insert(subset.end(), begin, begin + static_cast<std::ptrdiff_t>(shares[label]));
  }
  std::ranges::sort(subset);
  return subset;
}

}  // namespace hwnas::data
