#include "core/normal.hpp"

#include <algorithm>
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
  // Newton's method on the log scale, where the lower half is concave: from the left it does not
  // overshoot. Left of the quantile, since P(Z <= z) <= exp(-z²/2) / 2 for z <= 0:
  double z = -std::sqrt(std::max(0.0, -2 * std::log(2 * probability)));
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
