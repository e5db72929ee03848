#include "compression/calibrator.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>

#include <fmt/ranges.h>

#include "core/error.hpp"
#include "core/text.hpp"

namespace hwnas::compression {

namespace {

constexpr int kLevels = 256;

RealRange min_max(const Histogram& histogram) {
  return {std::min(0.0F, histogram.lowest()), std::max(0.0F, histogram.highest())};
}

RealRange scaled(const RealRange& range, double factor) {
  return {range.lowest * factor, range.highest * factor};
}

RealRange percentile(const Histogram& histogram) {
  constexpr double kLeftOut = 1e-4;
  const RealRange all = min_max(histogram);
  const auto counts = histogram.counts();
  RealRange range;
  double below = 0;
  for (int bin = 0; bin < Histogram::kBins; ++bin) {
    below += counts[bin];
    if (below > kLeftOut * histogram.total()) {
      range.lowest = std::clamp(histogram.center(bin) - histogram.width() / 2, all.lowest, 0.0);
      break;
    }
  }
  double above = 0;
  for (int bin = Histogram::kBins - 1; bin >= 0; --bin) {
    above += counts[bin];
    if (above > kLeftOut * histogram.total()) {
      range.highest = std::clamp(histogram.center(bin) + histogram.width() / 2, 0.0, all.highest);
      break;
    }
  }
  return range;
}

/// The range of `candidates` shrunk ones for which `loss` is least.
template <typename Loss>
RealRange best_shrunk(const Histogram& histogram, const Loss& loss) {
  constexpr int kCandidates = 100;
  const RealRange all = min_max(histogram);
  RealRange best = all;
  double least = std::numeric_limits<double>::infinity();
  for (int i = kCandidates; i > 0; --i) {
    const RealRange range = scaled(all, static_cast<double>(i) / kCandidates);
    const double value = loss(range);
    if (value < least) {
      least = value;
      best = range;
    }
  }
  return best;
}

RealRange mean_squared_error(const Histogram& histogram) {
  return best_shrunk(histogram, [&](const RealRange& range) {
    const double step = (range.highest - range.lowest) / (kLevels - 1);
    double loss = 0;
    for (int bin = 0; bin < Histogram::kBins; ++bin) {
      const double count = histogram.counts()[bin];
      if (count == 0) continue;
      const double value = histogram.center(bin);
      const double clipped = value - std::clamp(value, range.lowest, range.highest);
      // 0 itself is exact, and the half of all values after a ReLU.
      const bool is_zero = std::abs(value) < histogram.width();
      loss += count * (is_zero ? 0 : clipped != 0 ? clipped * clipped : step * step / 12);
    }
    return loss;
  });
}

/// Σ p·ln(p/q) of the clipped distribution p against the same in kLevels levels, q.
double information_lost(const Histogram& histogram, const RealRange& range) {
  std::vector<double> p;
  double outside = 0;
  for (int bin = 0; bin < Histogram::kBins; ++bin) {
    const double center = histogram.center(bin);
    if (center < range.lowest || center > range.highest) {
      outside += histogram.counts()[bin];
    } else {
      p.push_back(histogram.counts()[bin]);
    }
  }
  if (p.size() < 2 || outside >= histogram.total()) return std::numeric_limits<double>::infinity();
  const std::vector<double> inside = p;
  p.back() += outside;
  double loss = 0;
  const double levels = std::min<double>(kLevels, static_cast<double>(p.size()));
  for (int level = 0; level < levels; ++level) {
    const auto begin = static_cast<std::size_t>(level * static_cast<double>(p.size()) / levels);
    const auto end = static_cast<std::size_t>((level + 1) * static_cast<double>(p.size()) / levels);
    double sum = 0;
    int occupied = 0;
    for (std::size_t i = begin; i < end; ++i) {
      sum += inside[i];
      occupied += inside[i] > 0 ? 1 : 0;
    }
    for (std::size_t i = begin; i < end; ++i) {
      if (p[i] == 0) continue;
      const double share = inside[i] > 0 ? sum / occupied : 1e-9 * histogram.total();
      loss += p[i] * std::log(p[i] / share);
    }
  }
  return loss / histogram.total();
}

RealRange kullback_leibler(const Histogram& histogram) {
  return best_shrunk(histogram,
                     [&](const RealRange& range) { return information_lost(histogram, range); });
}

constexpr std::array kCalibrators = {
    CalibratorInfo{"min_max", "all values seen", min_max},
    CalibratorInfo{"percentile", "all but 1 in 10,000 values at each end", percentile},
    CalibratorInfo{"mse", "least mean squared error", mean_squared_error},
    CalibratorInfo{"kl", "least loss of information", kullback_leibler},
};

}  // namespace

void Histogram::double_width() {
  std::vector<double> merged(kBins);
  for (int bin = 0; bin < kBins; ++bin) merged[kBins / 4 + bin / 2] += counts_[bin];
  counts_ = std::move(merged);
  width_ *= 2;
}

void Histogram::add(std::span<const float> values) {
  for (const float value : values) {
    if (!std::isfinite(value)) throw invalid_argument("an activation is {}", value);
    lowest_ = total_ == 0 ? value : std::min(lowest_, value);
    highest_ = total_ == 0 ? value : std::max(highest_, value);
    while (std::abs(value) >= width_ * (kBins / 2)) double_width();
    ++counts_[static_cast<int>(std::floor(value / width_)) + kBins / 2];
    ++total_;
  }
}

std::span<const CalibratorInfo> calibrators() {
  return kCalibrators;
}

const CalibratorInfo& calibrator(std::string_view name) {
  std::vector<std::string> known;
  for (const CalibratorInfo& row : kCalibrators) {
    if (row.name == name) return row;
    known.emplace_back(row.name);
  }
  throw error(ErrorCode::kNotFound, "no calibrator '{}'{}; there are: {}", name,
              did_you_mean(name, known), fmt::join(known, ", "));
}

ir::Quantization covering(const RealRange& range, int bits) {
  // A tensor that is 0 throughout has no scale of its own; a tiny one would make the factors to and
  // from it too large for any arithmetic.
  constexpr double kSmallest = 1e-6;
  if (range.highest - range.lowest < kSmallest) return {.scale = 1, .zero_point = 0, .bits = bits};
  if (bits == 16) {
    const double largest = std::max(-range.lowest, range.highest);
    return {.scale = static_cast<float>(largest / 32767), .zero_point = 0, .bits = 16};
  }
  const auto scale = static_cast<float>((range.highest - range.lowest) / (kLevels - 1));
  const double zero_point = std::round(-128 - range.lowest / scale);
  return {.scale = scale,
          .zero_point = static_cast<std::int32_t>(std::clamp(zero_point, -128.0, 127.0))};
}

}  // namespace hwnas::compression
