#pragma once

#include <initializer_list>
#include <span>

#include "search/distribution.hpp"

namespace hwnas::search {

/// A genotype that was drawn, and its loss.
struct ScoredDraw {
  spaces::Genotype genotype;
  double loss = 0;
};

/// An unbiased estimate of the gradient of the expected loss in the distribution's logits, from two
/// or more independent draws: the score-function estimator in which the mean loss of the other
/// draws is the baseline of each (Kool, van Hoof and Welling, "Buy 4 REINFORCE Samples, Get a
/// Baseline for Free!", 2019). The loss may be any function of the genotype: it need not be
/// differentiable, nor a sum over decisions.
PerOption expected_loss_gradient(const Distribution& distribution,
                                 std::span<const ScoredDraw> draws);

/// Of Distribution::entropy in the logits; exact.
PerOption entropy_gradient(const Distribution& distribution);

struct DistributionOptimizerOptions {
  int steps = 200;             ///< over which the entropy's weight falls to 0
  double learning_rate = 0.1;  ///< of the logits
  /// Weight of the entropy in the first step, in units of the loss: the temperature of a Boltzmann
  /// distribution, since its options are likely as exp(-loss / weight) where all terms balance.
  double entropy = 0.02;
};

/// Minimises E[loss] - weight · entropy over distributions, in the logits of a softmax for each
/// decision, with Adam (Kingma and Ba, ICLR 2015, algorithm 1; deviation: decay 0.99 of the second
/// moment). Begins with the uniform distribution. Deterministic.
class DistributionOptimizer {
 public:
  /// All that it goes on from.
  struct State {
    PerOption logits;
    PerOption first_moment;
    PerOption second_moment;
    int steps = 0;  ///< done
  };

  /// The space need not outlive it.
  DistributionOptimizer(const spaces::DecisionSpace& space,
                        const DistributionOptimizerOptions& options);

  /// Of which the draws of the next step are to be taken.
  const Distribution& distribution() const { return distribution_; }
  /// The loss is a sum of terms, each of which has draws of its own, two at least: dear terms are
  /// known for few of them.
  void step(std::initializer_list<std::span<const ScoredDraw>> terms);

  const State& state() const { return state_; }
  /// Throws InvalidArgument if the state is of another space.
  void restore(State state);

 private:
  void follow_logits();

  const DistributionOptimizerOptions options_;
  State state_;
  Distribution distribution_;
};

}  // namespace hwnas::search
