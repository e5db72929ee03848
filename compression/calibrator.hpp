#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "ir/quantization.hpp"

namespace hwnas::compression {

/// Counts of values seen so far, in bins of equal width around 0. Constant memory: when a value
/// lies outside, the width doubles and neighbours merge.
class Histogram {
 public:
  static constexpr int kBins = 2048;

  void add(std::span<const float> values);

  bool empty() const { return total_ == 0; }
  float lowest() const { return lowest_; }    ///< seen exactly
  float highest() const { return highest_; }  ///< seen exactly
  double total() const { return total_; }
  std::span<const double> counts() const { return counts_; }
  double width() const { return width_; }
  /// Middle of a bin.
  double center(int bin) const { return (bin - kBins / 2 + 0.5) * width_; }

 private:
  void double_width();

  std::vector<double> counts_ = std::vector<double>(kBins);
  double width_ = 1e-6;
  double total_ = 0;
  float lowest_ = 0;
  float highest_ = 0;
};

/// An interval of reals that contains 0.
struct RealRange {
  double lowest = 0;
  double highest = 0;
};

/// What of the values seen an activation's integers are to cover.
struct CalibratorInfo {
  std::string_view name;
  std::string_view summary;
  RealRange (*range)(const Histogram& histogram);
};
/// - min_max: all of them;
/// - percentile: all but 1 in 10,000 at each end;
/// - mse: the part that makes the mean squared error least, of rounding inside and clipping outside
///   (Banner et al., "Post training 4-bit quantization", 2019, eq. 2, on the histogram instead of a
///   fitted distribution);
/// - kl: the part whose 256 levels lose the least information (Migacz, "8-bit Inference with
///   TensorRT", GTC 2017), each end by the same factor.
std::span<const CalibratorInfo> calibrators();
/// Throws NotFound listing the names there are.
const CalibratorInfo& calibrator(std::string_view name);

/// Scale and zero point that cover the range: of 8 bits asymmetric, 0 exactly representable; of 16
/// bits symmetric.
ir::Quantization covering(const RealRange& range, int bits);

}  // namespace hwnas::compression
