#include "estimators/rank_statistics.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <utility>

#include "core/rng.hpp"

namespace hwnas::estimators {

namespace {

constexpr double kCentral90 = 1.645;  // of a normal distribution, in standard deviations

std::int64_t pairs(std::int64_t n) {
  return n * (n - 1) / 2;
}

/// Pairs of neighbours that `equal` says are the same, in a sorted range.
template <typename Equal>
std::int64_t tied_pairs(std::size_t count, Equal equal) {
  std::int64_t tied = 0;
  std::int64_t run = 1;
  for (std::size_t i = 1; i <= count; ++i) {
    if (i < count && equal(i - 1, i)) {
      ++run;
    } else {
      tied += pairs(run);
      run = 1;
    }
  }
  return tied;
}

/// Sorts the values and counts the swaps of neighbours that it takes.
std::int64_t merge_sort_swaps(std::span<double> values, std::span<double> buffer) {
  if (values.size() < 2) return 0;
  const std::size_t middle = values.size() / 2;
  std::int64_t swaps = merge_sort_swaps(values.first(middle), buffer.first(middle)) +
                       merge_sort_swaps(values.subspan(middle), buffer.subspan(middle));
  std::size_t left = 0;
  std::size_t right = middle;
  for (double& merged : buffer) {
    const bool take_right =
        left == middle || (right < values.size() && values[right] < values[left]);
    if (take_right) swaps += static_cast<std::int64_t>(middle - left);
    merged = values[take_right ? right++ : left++];
  }
  std::ranges::copy(buffer, values.begin());
  return swaps;
}

double pearson(std::span<const double> a, std::span<const double> b) {
  const double n = static_cast<double>(a.size());
  const double mean_a = std::accumulate(a.begin(), a.end(), 0.0) / n;
  const double mean_b = std::accumulate(b.begin(), b.end(), 0.0) / n;
  double ab = 0;
  double aa = 0;
  double bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += (a[i] - mean_a) * (b[i] - mean_b);
    aa += (a[i] - mean_a) * (a[i] - mean_a);
    bb += (b[i] - mean_b) * (b[i] - mean_b);
  }
  return ab / std::sqrt(aa * bb);
}

}  // namespace

std::vector<double> ranks(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) { return values[i]; });
  std::vector<double> result(values.size());
  for (std::size_t begin = 0; begin < order.size();) {
    std::size_t end = begin + 1;
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    const double shared = static_cast<double>(begin + end + 1) / 2;
    for (; begin < end; ++begin) result[order[begin]] = shared;
  }
  return result;
}

double spearman(std::span<const double> a, std::span<const double> b) {
  assert(a.size() == b.size() && a.size() >= 2);
  return pearson(ranks(a), ranks(b));
}

double kendall(std::span<const double> a, std::span<const double> b) {
  assert(a.size() == b.size() && a.size() >= 2);
  std::vector<std::pair<double, double>> points;
  for (std::size_t i = 0; i < a.size(); ++i) points.emplace_back(a[i], b[i]);
  std::ranges::sort(points);
  const auto same_a = [&](std::size_t i, std::size_t j) {
    return points[i].first == points[j].first;
  };
  const std::int64_t ties_a = tied_pairs(points.size(), same_a);
  const std::int64_t ties_both = tied_pairs(
      points.size(), [&](std::size_t i, std::size_t j) { return points[i] == points[j]; });
  std::vector<double> b_sorted;
  for (const auto& point : points) b_sorted.push_back(point.second);
  std::vector<double> buffer(points.size());
  const std::int64_t discordant = merge_sort_swaps(b_sorted, buffer);
  const std::int64_t ties_b = tied_pairs(
      points.size(), [&](std::size_t i, std::size_t j) { return b_sorted[i] == b_sorted[j]; });
  const std::int64_t all = pairs(static_cast<std::int64_t>(a.size()));
  const auto concordant_less_discordant =
      static_cast<double>(all - ties_a - ties_b + ties_both - 2 * discordant);
  return concordant_less_discordant /
         std::sqrt(static_cast<double>(all - ties_a) * static_cast<double>(all - ties_b));
}

TauInterval kendall_interval(std::span<const double> a, std::span<const double> b) {
  constexpr int kDraws = 2000;
  Rng rng(1);
  std::vector<double> taus;
  std::vector<double> x(a.size()), y(b.size());
  for (int draw = 0; draw < kDraws; ++draw) {
    for (std::size_t i = 0; i < a.size(); ++i) {
      const std::size_t drawn = rng.index(a.size());
      x[i] = a[drawn];
      y[i] = b[drawn];
    }
    const double tau = kendall(x, y);
    if (!std::isnan(tau)) taus.push_back(tau);
  }
  if (taus.empty()) {
    constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();
    return {kNothing, kNothing};
  }
  std::ranges::sort(taus);
  return {taus[taus.size() / 40], taus[taus.size() - 1 - taus.size() / 40]};
}

double median(std::vector<double> values) {
  assert(!values.empty());
  const auto upper = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, upper);
  if (values.size() % 2 == 1) return *upper;
  return (*upper + *std::max_element(values.begin(), upper)) / 2;
}

Line median_slope_line(std::span<const double> x, std::span<const double> y) {
  assert(x.size() == y.size() && !x.empty());
  std::vector<double> slopes;
  for (std::size_t i = 0; i < x.size(); ++i) {
    for (std::size_t j = i + 1; j < x.size(); ++j) {
      if (x[i] != x[j]) slopes.push_back((y[j] - y[i]) / (x[j] - x[i]));
    }
  }
  const double slope = slopes.empty() ? 0 : median(std::move(slopes));
  std::vector<double> intercepts;
  for (std::size_t i = 0; i < x.size(); ++i) intercepts.push_back(y[i] - slope * x[i]);
  return {slope, median(std::move(intercepts))};
}

Agreement agreement(std::span<const Prediction> predictions, std::span<const double> truths) {
  assert(predictions.size() == truths.size());
  std::vector<double> means;
  for (const Prediction& prediction : predictions) means.push_back(prediction.mean);
  Agreement result{.spearman = spearman(means, truths), .kendall = kendall(means, truths)};
  const double share = 1 / static_cast<double>(truths.size());
  for (std::size_t i = 0; i < truths.size(); ++i) {
    const double error = std::abs(means[i] / truths[i] - 1);
    result.mape += error * share;
    if (error <= 0.05) result.within_5 += share;
    if (error <= 0.10) result.within_10 += share;
    const double reach = kCentral90 * predictions[i].standard_deviation;
    if (std::abs(means[i] - truths[i]) <= reach) result.coverage_90 += share;
  }
  return result;
}

}  // namespace hwnas::estimators
