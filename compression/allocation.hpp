#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace hwnas::compression {

/// One way to run a group, e.g. with 4-bit weights and 8-bit activations.
struct AllocationOption {
  std::string name;           ///< for reports: "int4/a8"
  int weight_bits = 0;        ///< 0: the option is not about bits
  int activation_bits = 0;    ///< 0: the option is not about bits
  double objective = 0;       ///< what the option adds to the sum that is minimised: sensitivity
  std::vector<double> costs;  ///< what it adds to each of the problem's limited costs
  bool allowed = true;        ///< false: the target has no kernel for it
};

/// Layers that take one option together.
struct AllocationGroup {
  std::string name;
  std::vector<AllocationOption> options;
};

/// The sum of one cost over all groups and edges is at most `limit`.
struct AllocationLimit {
  std::string name;  ///< "flash_bytes", "latency_ms", …
  double limit = 0;
};

/// What two groups add together, such as a cast where their precisions differ. Matrices are
/// row-major, options of `from` x options of `to`; an empty one is all zeros.
struct AllocationEdge {
  int from = 0;
  int to = 0;
  std::vector<double> objective;
  std::vector<std::vector<double>> costs;  ///< one matrix a limit, or none at all
};

/// Choose one allowed option a group so that the objective is least and every limit kept: a
/// multiple-choice knapsack with several constraints and pairwise terms. Plain data.
struct AllocationProblem {
  std::vector<AllocationGroup> groups;
  std::vector<AllocationLimit> limits;
  std::vector<AllocationEdge> edges;
};

/// Throws InvalidArgument naming the group, option or edge: no groups, a group without an allowed
/// option, wrong sizes, numbers that are not finite, edges out of range or from a group to itself.
void verify(const AllocationProblem& problem);

/// Objective and costs of one choice (an option for each group), summed in the order of groups and
/// edges.
struct AllocationValue {
  double objective = 0;
  std::vector<double> costs;
};
AllocationValue evaluate(const AllocationProblem& problem, const std::vector<int>& choice);

/// True if every cost is at most its limit, up to 1e-10 of the limit for rounding.
bool keeps_limits(const AllocationProblem& problem, const AllocationValue& value);

/// The least that one cost can be, over allowed options.
struct ReachableCost {
  std::string limit_name;
  double limit = 0;
  double smallest = 0;          ///< alone, without the other limits; proven
  double smallest_jointly = 0;  ///< with the other limits kept; equal to `smallest` if one of those
                                ///< is out of reach itself; a proven lower bound
  std::vector<int> binding_groups;  ///< those with the largest share in `smallest`, largest first;
                                    ///< at most three
};

/// What an allocator returns. Either feasible with a choice, or not, with the reason.
struct Allocation {
  bool feasible = false;
  std::vector<int> choice;          ///< an option for each group; empty unless feasible
  AllocationValue value;            ///< of the choice
  double lower_bound = 0;           ///< proven for every choice that keeps the limits
  bool optimal = false;             ///< value.objective is proven least: the gap is 0
  std::vector<double> multipliers;  ///< Lagrange multipliers of the limits, at least 0; with them
                                    ///< anyone can check the root bound
  double root_bound = 0;            ///< Lagrangian bound at `multipliers`, before branching
  std::int64_t nodes = 0;           ///< of the branch and bound
  double seconds = 0;               ///< wall time; not part of what is deterministic

  std::vector<ReachableCost> reachable;  ///< one a limit, unless feasible
  std::string explanation;  ///< one line: empty if feasible; else which limits cannot be kept, the
                            ///< smallest reachable costs and the groups that bind, or that the
                            ///< budget ran out

  /// (objective − lower_bound) / |objective|; 0 if optimal.
  double gap() const;
};

/// When to give up with the gap that is left. Where time runs out first, the result depends on the
/// machine; where it does not, it is the same everywhere.
struct SolverBudget {
  std::int64_t max_nodes = 20'000'000;
  double max_seconds = 10;
};

/// Solves the problem exactly: dominated options are dropped (in groups and along edges); a
/// Lagrangian bound over all limits is maximised (Fisher, "The Lagrangian Relaxation Method for
/// Solving Integer Programming Problems", 1981: bisection for one limit, Polyak's subgradient steps
/// for several), where edges are minimised over exactly by nonserial dynamic programming (Bertelè
/// and Brioschi 1972; on chains this is Viterbi's algorithm); options whose reduced cost exceeds
/// the gap are fixed; depth-first branch and bound over the rest closes it. Deterministic. Of
/// choices that differ by less than 1e-12 of the objective's range any may be returned. Throws what
/// verify throws.
Allocation solve(const AllocationProblem& problem, const SolverBudget& budget = {});

}  // namespace hwnas::compression
