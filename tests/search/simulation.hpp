#pragma once

#include <algorithm>
#include <cmath>
#include <deque>
#include <functional>
#include <vector>

#include "search/strategy.hpp"

namespace hwnas::search {

using Evaluate = std::function<void(Trial&)>;  ///< fills in state, objectives and violation

/// Runs a strategy as an engine does: `window` trials are under way, results come in id order.
class Simulation {
 public:
  Simulation(Strategy& strategy, std::size_t window, Evaluate evaluate)
      : strategy_(strategy), window_(window), evaluate_(std::move(evaluate)) {}

  /// Goes on until `count` trials have finished in all, or the space is exhausted.
  void run_until(std::size_t count) {
    while (finished_.size() < count) {
      fill_window();
      if (under_way_.empty()) return;
      Trial trial = std::move(under_way_.front());
      under_way_.pop_front();
      evaluate_(trial);
      strategy_.tell({&trial, 1});
      finished_.push_back(std::move(trial));
    }
  }

  const std::vector<Trial>& finished() const { return finished_; }

  /// The least first objective of the first `count` finished trials.
  double best(std::size_t count) const {
    double best = INFINITY;
    for (std::size_t i = 0; i < std::min(count, finished_.size()); ++i) {
      best = std::min(best, finished_[i].objectives.at(0));
    }
    return best;
  }

 private:
  void fill_window() {
    if (under_way_.size() >= window_) return;
    for (Proposal& proposal : strategy_.ask(window_ - under_way_.size())) {
      under_way_.push_back({.id = next_id_++, .genotype = std::move(proposal.genotype)});
    }
  }

  Strategy& strategy_;
  std::size_t window_;
  Evaluate evaluate_;
  std::uint64_t next_id_ = 0;
  std::deque<Trial> under_way_;
  std::vector<Trial> finished_;
};

}  // namespace hwnas::search
