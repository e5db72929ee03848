#include "estimators/conformal.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "estimators/measured_costs.hpp"

namespace hwnas::estimators {

std::vector<Fold> folds(Eigen::Index rows, int count) {
  assert(count > 1 && count <= rows);
  std::vector<Fold> result(count);
  for (Eigen::Index row = 0; row < rows; ++row) {
    for (int fold = 0; fold < count; ++fold) {
      auto& part = row % count == fold ? result[fold].held_back : result[fold].others;
      part.push_back(row);
    }
  }
  return result;
}

double conformal_scale(std::vector<double> scores) {
  assert(scores.size() >= 9);
  std::ranges::sort(scores);
  const double n = static_cast<double>(scores.size());
  const double rank = std::min(0.9 * (n + 1), n) - 1;  // the first score has rank 0
  const auto below = static_cast<std::size_t>(std::floor(rank));
  const std::size_t above = std::min(below + 1, scores.size() - 1);
  const double share = rank - std::floor(rank);
  return ((1 - share) * scores[below] + share * scores[above]) / kNormal95;
}

}  // namespace hwnas::estimators
