#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/config.hpp"
#include "search/distribution.hpp"
#include "spaces/search_space.hpp"

namespace hwnas::search {

/// A candidate that the strategy wants evaluated. The engine numbers proposals 0, 1, 2, … in the
/// order in which ask returns them: that is the trial id.
struct Proposal {
  spaces::Genotype genotype;
  bool operator==(const Proposal&) const = default;
};

/// How a trial ended. A bad candidate is data, not an exception.
enum class TrialState {
  kComplete,    ///< all objectives are known
  kInfeasible,  ///< broke a hard limit; costs are known, it was never trained
  kFailed,      ///< crashed, diverged to NaN or ran out of memory; nothing is known
  kStopped,     ///< ended early as hopeless; objectives are those at the stop
};
std::string_view to_string(TrialState state);
TrialState trial_state_from_string(std::string_view text);

/// A finished trial as strategies see it.
struct Trial {
  std::uint64_t id = 0;
  spaces::Genotype genotype = {};
  TrialState state = TrialState::kFailed;
  /// In the experiment's order, all to be minimised (the engine negates those to be maximised).
  /// Empty unless kComplete or kStopped.
  std::vector<double> objectives = {};
  /// Sum over hard limits of max(0, value/limit − 1): 0 when feasible; how far off when
  /// kInfeasible.
  double violation = 0;
};

/// Proposes candidates and learns from results. Single-threaded and deterministic: the same
/// construction and the same sequence of calls give the same proposals, which is what makes resume
/// by replay exact. No strategy proposes a canonical genotype twice.
class Strategy {
 public:
  virtual ~Strategy() = default;
  /// Up to n new proposals, in order. Fewer than n only when the space is exhausted: empty =
  /// finished. Never waits for results: results of earlier proposals may still be outstanding.
  virtual std::vector<Proposal> ask(std::size_t n) = 0;
  /// Finished trials, in id order, each exactly once.
  virtual void tell(std::span<const Trial> finished) = 0;
};

/// A row of the registry.
struct StrategyInfo {
  std::string_view name;
  std::string_view summary;
  /// `options`: the experiment's `search` map (the strategy checks the keys that are its own; see
  /// option_names). `objectives`: how many.
  std::unique_ptr<Strategy> (*make)(const spaces::DecisionSpace& space, std::size_t objectives,
                                    std::uint64_t seed, const Config& options, const Start& start);
  std::span<const std::string_view> option_names;
  bool multi_objective;  ///< false: optimises the first objective only
};

/// All strategies: random, local_search, aging_evolution, nsga2.
std::span<const StrategyInfo> strategies();

/// Throws InvalidArgument, at the place of `options`' "strategy" key, for an unknown name.
/// The space must outlive the strategy. `start`: what it begins with instead of uniform draws;
/// throws InvalidArgument if it is of another space.
std::unique_ptr<Strategy> make_strategy(const spaces::DecisionSpace& space, std::size_t objectives,
                                        std::uint64_t seed, const Config& options,
                                        const Start& start = {});

}  // namespace hwnas::search
