#include "service/study_stopping.hpp"

#include <algorithm>
#include <cstddef>

namespace hwnas::service {
namespace {

constexpr std::size_t kMinTrials = 3;

}  // namespace

void MedianStopping::add(std::span<const CurvePoint> curve) {
  if (curve.empty()) return;
  std::vector<CurvePoint>& averages = averages_.emplace_back();
  double sum = 0;
  for (const CurvePoint& point : curve) {
    sum += point.value;
    averages.push_back({point.step, sum / static_cast<double>(averages.size() + 1)});
  }
}

bool MedianStopping::should_stop(std::span<const CurvePoint> curve) const {
  if (curve.empty()) return false;
  const double step = curve.back().step;
  std::vector<double> rivals;
  for (const std::vector<CurvePoint>& averages : averages_) {
    const auto after = std::ranges::upper_bound(averages, step, {}, &CurvePoint::step);
    if (after != averages.begin()) rivals.push_back(std::prev(after)->value);
  }
  if (rivals.size() < kMinTrials) return false;
  std::ranges::sort(rivals);
  const std::size_t middle = rivals.size() / 2;
  const double median =
      rivals.size() % 2 == 1 ? rivals[middle] : (rivals[middle - 1] + rivals[middle]) / 2;
  return std::ranges::min(curve, {}, &CurvePoint::value).value > median;
}

}  // namespace hwnas::service
