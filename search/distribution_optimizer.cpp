#include "search/distribution_optimizer.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <utility>

#include "core/error.hpp"

namespace hwnas::search {
namespace {

// Adam's first decay is its authors'. The second is theirs for a tenth of their steps: the large
// gradients of the first steps, when most draws break limits, must not slow down the last ones.
constexpr double kFirstDecay = 0.9;
constexpr double kSecondDecay = 0.99;
// In units of the loss: far smaller gradients are noise that must not become a whole step.
constexpr double kEpsilon = 1e-4;

PerOption zeros_like(const PerOption& model) {
  PerOption zeros;
  for (const std::vector<double>& options : model) zeros.emplace_back(options.size(), 0.0);
  return zeros;
}

void add_scaled(PerOption& sum, const PerOption& term, double scale) {
  for (std::size_t i = 0; i < sum.size(); ++i) {
    for (std::size_t k = 0; k < sum[i].size(); ++k) sum[i][k] += scale * term[i][k];
  }
}

std::vector<double> softmax(const std::vector<double>& logits) {
  const double highest = *std::ranges::max_element(logits);
  std::vector<double> result;
  double sum = 0;
  for (const double logit : logits) sum += result.emplace_back(std::exp(logit - highest));
  for (double& p : result) p /= sum;
  return result;
}

bool same_shape(const PerOption& a, const PerOption& b) {
  return std::ranges::equal(a, b, {}, &std::vector<double>::size, &std::vector<double>::size);
}

}  // namespace

PerOption expected_loss_gradient(const Distribution& distribution,
                                 std::span<const ScoredDraw> draws) {
  assert(draws.size() >= 2);
  double mean = 0;
  for (const ScoredDraw& draw : draws) mean += draw.loss / static_cast<double>(draws.size());
  PerOption gradient = zeros_like(distribution.probabilities);
  for (const ScoredDraw& draw : draws) {
    // The mean of n draws in place of that of the n - 1 others, made good by the divisor.
    const double advantage = (draw.loss - mean) / static_cast<double>(draws.size() - 1);
    for (std::size_t i = 0; i < gradient.size(); ++i) {
      gradient[i][draw.genotype.choices[i]] += advantage;
      for (std::size_t k = 0; k < gradient[i].size(); ++k) {
        gradient[i][k] -= advantage * distribution.probabilities[i][k];
      }
    }
  }
  return gradient;
}

PerOption entropy_gradient(const Distribution& distribution) {
  PerOption gradient = zeros_like(distribution.probabilities);
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    const std::vector<double>& options = distribution.probabilities[i];
    const double entropy = Distribution{{options}}.entropy();
    for (std::size_t k = 0; k < options.size(); ++k) {
      gradient[i][k] = options[k] > 0 ? -options[k] * (std::log(options[k]) + entropy) : 0;
    }
  }
  return gradient;
}

DistributionOptimizer::DistributionOptimizer(const spaces::DecisionSpace& space,
                                             const DistributionOptimizerOptions& options)
    : options_(options), distribution_(uniform_distribution(space)) {
  const PerOption zeros = zeros_like(distribution_.probabilities);
  state_ = {zeros, zeros, zeros, 0};
}

void DistributionOptimizer::step(std::initializer_list<std::span<const ScoredDraw>> terms) {
  const double left = 1 - static_cast<double>(state_.steps) / options_.steps;
  PerOption gradient = entropy_gradient(distribution_);
  for (std::vector<double>& options : gradient) {
    for (double& value : options) value *= -options_.entropy * std::max(left, 0.0);
  }
  for (const auto& draws : terms) {
    add_scaled(gradient, expected_loss_gradient(distribution_, draws), 1);
  }

  ++state_.steps;
  const double first_bias = 1 - std::pow(kFirstDecay, state_.steps);
  const double second_bias = 1 - std::pow(kSecondDecay, state_.steps);
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    for (std::size_t k = 0; k < gradient[i].size(); ++k) {
      double& first = state_.first_moment[i][k];
      double& second = state_.second_moment[i][k];
      first = kFirstDecay * first + (1 - kFirstDecay) * gradient[i][k];
      second = kSecondDecay * second + (1 - kSecondDecay) * gradient[i][k] * gradient[i][k];
      state_.logits[i][k] -= options_.learning_rate * (first / first_bias) /
                             (std::sqrt(second / second_bias) + kEpsilon);
    }
  }
  follow_logits();
}

void DistributionOptimizer::restore(State state) {
  for (const PerOption* values : {&state.logits, &state.first_moment, &state.second_moment}) {
    if (!same_shape(*values, state_.logits)) {
      throw invalid_argument("the distribution's state is of a space with other decisions");
    }
  }
  state_ = std::move(state);
  follow_logits();
}

void DistributionOptimizer::follow_logits() {
  for (std::size_t i = 0; i < state_.logits.size(); ++i) {
    distribution_.probabilities[i] = softmax(state_.logits[i]);
  }
}

}  // namespace hwnas::search
