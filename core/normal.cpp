#include "core/normal.hpp"

#include <cassert>
#include <cmath>
#include <numbers>

namespace hwnas {

double normal_probability(double z) {
  return 0.5 * std::erfc(-z / std::numbers::sqrt2);
}

double normal_quantile(double probability) {
  assert(probability > 0 && probability < 1);
  if (probability > 0.5) return -normal_quantile(1 - probability);
  // The lower half is concave on the log scale, where Newton's method from z = 0 cannot overshoot.
  double z = 0;
  for (int step = 0; step < 100; ++step) {
    const double below = normal_probability(z);
    const double density = std::exp(-0.5 * z * z) / std::sqrt(2 * std::numbers::pi);
    const double change = (std::log(below) - std::log(probability)) * below / density;
    z -= change;
    if (std::abs(change) < 1e-13 * (1 + std::abs(z))) break;
  }
  return z;
}

}  // namespace hwnas
