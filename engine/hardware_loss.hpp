#pragma once

#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/executor.hpp"
#include "engine/costs.hpp"
#include "spaces/search_space.hpp"

namespace hwnas::engine {

/// What a network's costs add to its cross-entropy, in nats:
///
///   hardware_weight · cost / reference + (breaks a limit ? ln(classes) · (1 + ln(1 + violation)) :
///   0)
///
/// The first term is that of Cai, Zhu and Han, "ProxylessNAS", ICLR 2019, section 3.3, with the
/// cost of the first objective that is minimised and a cost. A sum, where Wu et al., "FBNet", CVPR
/// 2019, section 3.2, multiply: only so is its expectation known without scoring the networks. The
/// second makes a network that breaks limits worse than one that guesses, the worse the further off
/// it is.
class HardwareLoss {
 public:
  struct Cost {
    double cost = 0;
    double violation = 0;  ///< see search::Trial
    bool feasible() const { return violation == 0; }
  };

  /// All of it outlives the object.
  HardwareLoss(const Experiment& experiment, const spaces::SearchSpace& space, int classes,
               Executor& executor);

  /// Of the cost; empty where no objective is one: the first term is then 0.
  const std::string& metric() const { return metric_; }
  /// One a genotype, predicted on the executor's workers. Remembers them. One thread.
  std::vector<Cost> costs(std::span<const spaces::Genotype> genotypes);
  double loss(const Cost& cost, double reference) const;

 private:
  Cost predict(const spaces::Genotype& genotype) const;

  const spaces::SearchSpace& space_;
  const CostModels models_;
  const double weight_;
  const double guessing_;  ///< cross-entropy of equal probabilities for all classes
  std::string metric_;
  Executor& executor_;
  std::unordered_map<spaces::Genotype, Cost, spaces::GenotypeHash> known_;  ///< by canonical form
};

}  // namespace hwnas::engine
