#pragma once

#include <span>
#include <vector>

namespace hwnas::service {

/// A value of the objective, to be minimised, at a step of a trial.
struct CurvePoint {
  double step = 0;
  double value = 0;
};

/// The median stopping rule (Golovin, Solnik, Moitra, Kochanski, Karro and Sculley, "Google Vizier:
/// A Service for Black-Box Optimization", KDD 2017, section 3.2.2): a trial should stop at a step
/// if its best value until then is worse than the median, over the finished trials, of the averages
/// of their values until then.
///
/// Deviation: it does not judge before three finished trials have reached the step's beginning.
class MedianStopping {
 public:
  /// A finished trial's points, by rising steps. Without any it does not count.
  void add(std::span<const CurvePoint> curve);
  /// `curve`: of a trial under way, by rising steps; judged at its last one.
  bool should_stop(std::span<const CurvePoint> curve) const;

 private:
  std::vector<std::vector<CurvePoint>> averages_;  ///< of each finished trial, until each step
};

}  // namespace hwnas::service
