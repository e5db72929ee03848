#pragma once

#include <cmath>
#include <ostream>
#include <string>

#include "compression/allocation.hpp"
#include "core/rng.hpp"

namespace hwnas::compression::testing {

enum class Edges { kNone, kChain, kResidual, kAllPairs };

struct ProblemShape {
  std::string name;
  int groups = 0;
  int options = 0;
  int limits = 0;
  Edges edges = Edges::kNone;
};

inline std::ostream& operator<<(std::ostream& out, const ProblemShape& shape) {
  return out << shape.name;
}

/// Objectives that fall with bits, costs that grow with them, noise on both; limits between what is
/// least and most, at times too low.
inline AllocationProblem random_problem(const ProblemShape& shape, std::uint64_t seed) {
  Rng rng(seed);
  AllocationProblem problem;
  for (int g = 0; g < shape.groups; ++g) {
    AllocationGroup& group = problem.groups.emplace_back();
    group.name = "layer" + std::to_string(g);
    const double size = 1 + 9 * rng.uniform();
    for (int o = 0; o < shape.options; ++o) {
      const int bits = 8 - o;
      AllocationOption option{.name = "w" + std::to_string(bits),
                              .weight_bits = bits,
                              .activation_bits = bits,
                              .objective = std::pow(2.0, o) * (0.5 + rng.uniform()),
                              .costs = {},
                              .allowed = o == 0 || !rng.bernoulli(0.1)};
      for (int k = 0; k < shape.limits; ++k) {
        option.costs.push_back(size * bits * (0.7 + 0.6 * rng.uniform()));
      }
      group.options.push_back(option);
    }
  }
  const auto join = [&](int from, int to) {
    AllocationEdge edge{.from = from, .to = to, .objective = {}, .costs = {}};
    const int cells = shape.options * shape.options;
    for (int i = 0; i < cells; ++i) edge.objective.push_back(rng.uniform());
    for (int k = 0; k < shape.limits; ++k) {
      std::vector<double>& matrix = edge.costs.emplace_back();
      for (int i = 0; i < cells; ++i) {
        matrix.push_back(i / shape.options == i % shape.options ? 0 : 4 * rng.uniform());
      }
    }
    problem.edges.push_back(edge);
  };
  for (int to = 1; to < shape.groups && shape.edges != Edges::kNone; ++to) {
    for (int from = 0; from < to; ++from) {
      const bool neighbours = to - from == 1;
      const bool skip = shape.edges == Edges::kResidual && to - from == 2 && from % 2 == 0;
      if (neighbours || skip || shape.edges == Edges::kAllPairs) join(from, to);
    }
  }
  for (int k = 0; k < shape.limits; ++k) {
    double least = 0;
    double most = 0;
    for (const AllocationGroup& group : problem.groups) {
      least += group.options.back().costs[k];
      most += group.options.front().costs[k];
    }
    problem.limits.push_back(
        {"cost" + std::to_string(k), least + (0.8 * rng.uniform() - 0.1) * (most - least)});
  }
  return problem;
}

}  // namespace hwnas::compression::testing
