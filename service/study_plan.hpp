#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "search/strategy.hpp"
#include "service/study_space.hpp"
#include "vizier/study.pb.h"

namespace hwnas::service {

/// What a study asks for, in the terms of our strategies. Immutable, hence thread-safe.
class StudyPlan {
 public:
  /// Throws InvalidField for what is wrong: the metrics (1 to 16 of distinct ids, each with a goal,
  /// one of them without safety_config), the parameters (see StudySpace), or the algorithm.
  /// DEFAULT, ALGORITHM_UNSPECIFIED and none at all are nsga2; RANDOM_SEARCH is random, NSGA2
  /// nsga2; every strategy has its own name, too. local_search takes about 300 doubles at most.
  explicit StudyPlan(const vizier::StudySpec& spec);

  const StudySpace& space() const { return space_; }
  /// This object must outlive it.
  std::unique_ptr<search::Strategy> make_strategy(std::uint64_t seed) const;

  /// The values of the metrics without safety_config, in their order, all to be minimised; empty
  /// unless each has a finite value.
  std::vector<double> objectives(const vizier::Measurement& measurement) const;
  /// The first of them; nothing unless it has a finite value.
  std::optional<double> first_objective(const vizier::Measurement& measurement) const;
  /// Sum over the metrics with safety_config of how far they are beyond their threshold, as a share
  /// of it (of 1 where it is 0): 0 if all keep it. A metric that was not measured keeps it.
  double violation(const vizier::Measurement& measurement) const;
  /// How a finished trial ended, as strategies see it: infeasible ones, and those without all
  /// objectives, have failed. `genotype` and `id` are left to the caller.
  search::Trial result(const vizier::Trial& trial) const;

 private:
  struct Metric {
    std::string id;
    double sign = 1;  ///< -1: to be maximised
    double threshold = 0;
  };

  StudySpace space_;
  const search::StrategyInfo* strategy_;
  std::vector<Metric> objectives_;
  std::vector<Metric> limits_;
};

}  // namespace hwnas::service
