#pragma once

#include <span>
#include <vector>

#include "estimators/regressor.hpp"

namespace hwnas::estimators {

/// Of at least one value.
double median(std::vector<double> values);

/// Positions 1 to n in ascending order; equal values share the mean of theirs.
std::vector<double> ranks(std::span<const double> values);

/// Spearman's rho: Pearson's correlation of the ranks, in [-1, 1]. NaN if one side is constant.
/// Both spans have the same length, at least 2. O(n log n).
double spearman(std::span<const double> a, std::span<const double> b);

/// Kendall's tau-b, which corrects for ties, in [-1, 1]. NaN if one side is constant. O(n log n)
/// by merge sort (Knight, "A Computer Method for Calculating Kendall's Tau with Ungrouped Data",
/// JASA 1966). Both spans have the same length, at least 2.
double kendall(std::span<const double> a, std::span<const double> b);

struct TauInterval {
  double low = 0;
  double high = 0;
};
/// The 95 % interval of Kendall's tau-b over pairs drawn with replacement, 2,000 times: percentiles
/// 2.5 and 97.5 (Efron, "Bootstrap Methods: Another Look at the Jackknife", 1979). Draws in which
/// one side is constant count for nothing; NaN if all are. Deterministic.
TauInterval kendall_interval(std::span<const double> a, std::span<const double> b);

struct Line {
  double slope = 0;
  double intercept = 0;

  double at(double x) const { return intercept + slope * x; }
};
/// The line whose slope is the median of those between two points of different x, 0 if all x are
/// equal: it never has the sign that Kendall's tau does not have, and bears 29 % of outliers. Half
/// of the points lie above it (Sen, "Estimates of the Regression Coefficient Based on Kendall's
/// Tau", JASA 1968). O(n^2). Both spans have the same length, at least 1.
Line median_slope_line(std::span<const double> x, std::span<const double> y);

/// How well predictions of a cost agree with what was measured.
struct Agreement {
  double spearman = 0;
  double kendall = 0;
  double mape = 0;         ///< mean of |prediction / truth - 1|
  double within_5 = 0;     ///< share of rows with |prediction / truth - 1| at most 0.05
  double within_10 = 0;    ///< the same with 0.1
  double coverage_90 = 0;  ///< share of truths in mean ± 1.645 standard deviations
};

/// `truths` are positive and one a prediction; at least 2 of them.
Agreement agreement(std::span<const Prediction> predictions, std::span<const double> truths);

}  // namespace hwnas::estimators
