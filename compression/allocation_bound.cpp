#include "compression/allocation_bound.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace hwnas::compression {

namespace {

/// Range of a row over choices, edges left aside: the natural unit of objective and costs.
double range(const AllocationModel& model, int row) {
  double total = 0;
  for (int group = 0; group < model.groups(); ++group) {
    double low = model.value(group, row, 0);
    double high = low;
    for (int option = 1; option < model.count(group); ++option) {
      low = std::min(low, model.value(group, row, option));
      high = std::max(high, model.value(group, row, option));
    }
    total += high - low;
  }
  return total > 0 ? total : 1;
}

void offer(const AllocationModel& model, const std::vector<int>& choice,
           std::optional<Incumbent>& incumbent) {
  if (!model.keeps_limits(choice)) return;
  const double objective = model.sum(0, choice);
  if (!incumbent || objective < incumbent->objective) incumbent = Incumbent{choice, objective};
}

/// The dual function at one point.
class Dual {
 public:
  Dual(const AllocationModel& model, const AllocationElimination& elimination,
       std::optional<Incumbent>& incumbent)
      : model_(model), elimination_(elimination), incumbent_(incumbent) {
    best_.value = -std::numeric_limits<double>::infinity();
  }

  /// Costs less limits of the minimiser: a subgradient.
  std::vector<double> step_to(const std::vector<double>& multipliers) {
    std::vector<double> weights = {1};
    weights.insert(weights.end(), multipliers.begin(), multipliers.end());
    const AllocationElimination::Table table = elimination_.minimise(weights);
    value_ = table.minimum;
    for (std::size_t k = 0; k < multipliers.size(); ++k) {
      value_ -= multipliers[k] * model_.limits[k];
    }
    choice_ = elimination_.argmin(table);
    if (value_ > best_.value) {
      best_ = {.weights = weights, .value = value_};
      best_choice_ = choice_;
    }
    offer(model_, choice_, incumbent_);
    std::vector<double> excess;
    for (std::size_t k = 0; k < multipliers.size(); ++k) {
      excess.push_back(model_.sum(static_cast<int>(k) + 1, choice_) - model_.limits[k]);
    }
    return excess;
  }

  double value() const { return value_; }
  const LagrangianBound& best() const { return best_; }

  /// Rounds the best point's minimiser to a choice within the limits.
  void round() {
    std::vector<int> choice = best_choice_;
    improve(model_, choice);
    offer(model_, choice, incumbent_);
    if (!incumbent_) return;
    choice = incumbent_->choice;
    improve(model_, choice);
    offer(model_, choice, incumbent_);
  }

 private:
  const AllocationModel& model_;
  const AllocationElimination& elimination_;
  std::optional<Incumbent>& incumbent_;
  LagrangianBound best_;
  std::vector<int> best_choice_;
  std::vector<int> choice_;
  double value_ = 0;
};

/// The dual of one limit is concave in one variable: the sign of its slope tells the side.
void bisect(Dual& dual, double unit) {
  double low = 0;
  double high = unit;
  if (dual.step_to({0}).front() <= 0) return;
  for (int doubling = 0; doubling < 60 && dual.step_to({high}).front() > 0; ++doubling) {
    low = high;
    high *= 4;
  }
  for (int i = 0; i < 40 && high - low > 1e-9 * high; ++i) {
    const double middle = 0.5 * (low + high);
    (dual.step_to({middle}).front() > 0 ? low : high) = middle;
  }
}

/// Polyak's steps towards the incumbent, or towards a target a little above the best value; in
/// units in which all rows have range 1. The step halves where nothing improves for a while (Held,
/// Wolfe and Crowder, "Validation of Subgradient Optimization", 1974).
void climb(Dual& dual, const std::vector<double>& units, double objective_range,
           const std::optional<Incumbent>& incumbent) {
  constexpr int kSteps = 400;
  constexpr int kPatience = 15;
  std::vector<double> multipliers(units.size(), 0);
  double factor = 1.5;
  int since_improved = 0;
  for (int step = 0; step < kSteps && factor > 1e-5; ++step) {
    const double before = dual.best().value;
    const std::vector<double> excess = dual.step_to(multipliers);
    since_improved = dual.best().value > before ? 0 : since_improved + 1;
    if (since_improved == kPatience) {
      factor *= 0.5;
      since_improved = 0;
      multipliers.assign(dual.best().weights.begin() + 1, dual.best().weights.end());
      continue;
    }
    double norm = 0;
    for (std::size_t k = 0; k < units.size(); ++k) {
      if (multipliers[k] > 0 || excess[k] > 0) norm += std::pow(excess[k] * units[k], 2);
    }
    if (norm == 0) return;
    const double target =
        incumbent ? incumbent->objective : dual.best().value + 0.05 * objective_range;
    const double length = factor * std::max(target - dual.value(), 1e-9 * objective_range) / norm;
    for (std::size_t k = 0; k < units.size(); ++k) {
      multipliers[k] = std::max(0.0, multipliers[k] + length * excess[k] * units[k] * units[k]);
    }
  }
}

/// Changes one group's option at a time.
class LocalSearch {
 public:
  LocalSearch(const AllocationModel& model, std::vector<int>& choice)
      : model_(model), choice_(choice), ties_(model.groups()) {
    for (std::size_t e = 0; e < model.edges.size(); ++e) {
      ties_[model.edges[e].from].push_back(static_cast<int>(e));
      ties_[model.edges[e].to].push_back(static_cast<int>(e));
    }
    for (int row = 0; row < model.rows(); ++row) {
      units_.push_back(1 / range(model, row));
      sums_.push_back(model.sum(row, choice));
    }
  }

  /// Takes the best change, as long as there is one. Each repairs or improves strictly; the number
  /// of steps is only bounded against rounding.
  void run() {
    for (int step = 0; step < 50 * model_.groups(); ++step) {
      const double violation = violation_after(-1, 0);
      Change best;
      for (int group = 0; group < model_.groups(); ++group) {
        for (int option = 0; option < model_.count(group); ++option) {
          if (option == choice_[group]) continue;
          const double score = score_of(group, option, violation);
          if (score > best.score) best = {group, option, score};
        }
      }
      if (best.group < 0) return;
      for (int row = 0; row < model_.rows(); ++row) {
        sums_[row] += difference(best.group, row, best.option);
      }
      choice_[best.group] = best.option;
    }
  }

 private:
  struct Change {
    int group = -1;
    int option = 0;
    double score = 0;
  };

  double difference(int group, int row, int option) {
    const int before = choice_[group];
    double sum = model_.value(group, row, option) - model_.value(group, row, before);
    for (const int e : ties_[group]) {
      const AllocationModel::Edge& edge = model_.edges[e];
      sum -= model_.value(edge, row, choice_[edge.from], choice_[edge.to]);
      choice_[group] = option;
      sum += model_.value(edge, row, choice_[edge.from], choice_[edge.to]);
      choice_[group] = before;
    }
    return sum;
  }

  /// Summed excess over the limits if the group took the option; of the choice as it is for −1.
  double violation_after(int group, int option) {
    double violation = 0;
    for (std::size_t k = 0; k < model_.limits.size(); ++k) {
      const int row = static_cast<int>(k) + 1;
      const double cost = sums_[row] + (group < 0 ? 0 : difference(group, row, option));
      violation += std::max(0.0, cost - model_.limits[k] - model_.slack[k]) * units_[row];
    }
    return violation;
  }

  /// What is repaired for the loss, or won for the costs; 0 if the change does neither.
  double score_of(int group, int option, double violation) {
    constexpr double kTiny = 1e-12;
    const double loss = difference(group, 0, option) * units_[0];
    if (violation == 0 && loss >= -kTiny) return 0;
    const double after = violation_after(group, option);
    if (violation > 0) {
      const double repaired = violation - after;
      return repaired > kTiny ? repaired / (std::max(loss, 0.0) + 1e-9) : 0;
    }
    if (after > 0) return 0;
    double spent = 0;
    for (int row = 1; row < model_.rows(); ++row) {
      spent += std::max(0.0, difference(group, row, option)) * units_[row];
    }
    return -loss / (spent + 1e-9);
  }

  const AllocationModel& model_;
  std::vector<int>& choice_;
  std::vector<std::vector<int>> ties_;  ///< by group: edges
  std::vector<double> units_;           ///< by row: one over its range
  std::vector<double> sums_;            ///< by row
};

}  // namespace

void improve(const AllocationModel& model, std::vector<int>& choice) {
  LocalSearch(model, choice).run();
}

LagrangianBound maximise_bound(const AllocationModel& model,
                               const AllocationElimination& elimination,
                               std::optional<Incumbent>& incumbent) {
  Dual dual(model, elimination, incumbent);
  const std::size_t limits = model.limits.size();
  dual.step_to(std::vector<double>(limits, 0));
  const double objective_range = range(model, 0);
  if (limits == 1) {
    bisect(dual, objective_range / range(model, 1));
  } else if (limits > 1) {
    std::vector<double> units;
    for (std::size_t k = 0; k < limits; ++k) {
      units.push_back(1 / range(model, static_cast<int>(k) + 1));
    }
    climb(dual, units, objective_range, incumbent);
  }
  dual.round();
  return dual.best();
}

}  // namespace hwnas::compression
