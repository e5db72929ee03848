#include "estimators/order_search.hpp"

#include <algorithm>
#include <bitset>
#include <optional>
#include <queue>
#include <tuple>
#include <unordered_set>

namespace hwnas::estimators {

namespace {

constexpr std::size_t kMaxSteps = 256;
using StepSet = std::bitset<kMaxSteps>;

/// Executes whatever is cheapest now.
StepOrder greedy_order(const MemoryGraph& graph, MemoryWalk walk, int begin, int end) {
  std::vector<int> missing(end - begin);  // inputs of each step that are not there yet
  for (int step = begin; step < end; ++step) {
    for (const int tensor : graph.steps[step].reads) missing[step - begin] += tensor > begin;
  }
  std::vector<int> ready;
  for (int step = begin; step < end; ++step) {
    if (missing[step - begin] == 0) ready.push_back(step);
  }
  StepOrder result{.steps = {}, .peak = walk.live(), .lower_bound = 0};
  while (!ready.empty()) {
    const auto next = std::min_element(ready.begin(), ready.end(), [&](int a, int b) {
      const auto cost_a = walk.cost(a), cost_b = walk.cost(b);
      const std::int64_t peak_a = std::max(cost_a.during, result.peak);
      const std::int64_t peak_b = std::max(cost_b.during, result.peak);
      return std::tie(peak_a, cost_a.after, a) < std::tie(peak_b, cost_b.after, b);
    });
    const int step = *next;
    ready.erase(next);
    result.peak = std::max(result.peak, walk.execute(step).during);
    result.steps.push_back(step);
    for (const int reader : graph.readers[step + 1]) {
      if (reader < end && --missing[reader - begin] == 0) ready.push_back(reader);
    }
  }
  return result;
}

/// Minimax path from "nothing executed" to "all executed" over the sets of executed steps.
///
/// What is live after a set of steps does not depend on their order, so each set is looked at once
/// (dynamic programming over the antichains of the graph, as SERENITY does: Ahn et al., "Ordering
/// Chaos", MLSys 2020, section 3.1). The search proceeds by level: all sets that can be reached
/// within `level_` bytes are exhausted before the level rises to the least that a blocked step
/// needs, which makes the level a proven lower bound at any time.
///
/// Dominance: a step that fits into the level and leaves no more live than before is executed at
/// once, and its siblings are dropped. For take any continuation that stays within the level and
/// move that step to its front: afterwards every set holds one more executed step, whose output is
/// no larger than what it freed, and no other step loses an input it could overwrite.
class OrderSearch {
 public:
  OrderSearch(const MemoryGraph& graph, const MemoryWalk& start, int begin, int end)
      : begin_(begin), steps_(end - begin) {
    for (int step = begin; step < end; ++step) add_step(graph, step, end);
    states_.push_back({.executed = {}, .live = start.live(), .parent = -1, .step = -1});
    for (std::size_t i = 0; i < steps_.size(); ++i) all_.set(i);
  }

  /// An order whose peak is at least `bound` and less than `incumbent`, if there is one and the
  /// budget suffices. Afterwards level() is a proven lower bound.
  std::optional<std::vector<int>> run(std::int64_t bound, std::int64_t incumbent, int max_states) {
    level_ = bound;
    std::vector<int> open{0};
    while (!open.empty() || unblock(incumbent, open)) {
      const int state = open.back();
      open.pop_back();
      if (states_[state].executed == all_) return path_to(state);
      if (states_.size() > static_cast<std::size_t>(max_states)) return std::nullopt;
      expand(state, incumbent, open);
    }
    level_ = incumbent;
    return std::nullopt;
  }

  std::int64_t level() const { return level_; }

 private:
  struct Tensor {
    std::int64_t bytes = 0;
    StepSet readers;
    bool outlives = false;  ///< read by later steps too, or the network's output
  };
  struct Step {
    std::int64_t bytes = 0;
    bool may_overwrite = false;
    StepSet predecessors;
    std::vector<Tensor> reads;
  };
  struct State {
    StepSet executed;
    std::int64_t live = 0;
    int parent = 0;
    int step = 0;
  };
  struct Move {
    int state = 0;
    int step = 0;
    MemoryWalk::Cost cost;
    bool operator<(const Move& other) const {  // std::priority_queue takes the largest first
      return cost.during > other.cost.during;
    }
  };

  void add_step(const MemoryGraph& graph, int index, int end) {
    const MemoryStep& source = graph.steps[index];
    Step& step = steps_[index - begin_];
    step.bytes = source.bytes;
    step.may_overwrite = source.may_overwrite;
    for (const int tensor : source.reads) {
      if (tensor > begin_) step.predecessors.set(tensor - 1 - begin_);
      Tensor local{.bytes = graph.bytes[tensor], .readers = {}, .outlives = tensor == graph.output};
      for (const int reader : graph.readers[tensor]) {
        if (reader >= end) local.outlives = true;
        if (reader >= begin_ && reader < end) local.readers.set(reader - begin_);
      }
      step.reads.push_back(local);
    }
  }

  MemoryWalk::Cost cost(const State& state, int index) const {
    const Step& step = steps_[index];
    std::int64_t freed = 0;
    bool overwrites = false;
    for (const Tensor& tensor : step.reads) {
      const bool dies = !tensor.outlives && (tensor.readers & ~state.executed).count() == 1;
      if (!dies) continue;
      freed += tensor.bytes;
      overwrites |= step.may_overwrite && tensor.bytes >= step.bytes;
    }
    return {.during = state.live + (overwrites ? 0 : step.bytes),
            .after = state.live + step.bytes - freed};
  }

  void expand(int index, std::int64_t incumbent, std::vector<int>& open) {
    const State state = states_[index];
    moves_.clear();
    for (int step = 0; step < static_cast<int>(steps_.size()); ++step) {
      if (state.executed[step] || (steps_[step].predecessors & ~state.executed).any()) continue;
      const Move move{index, step, cost(state, step)};
      if (move.cost.during <= level_ && move.cost.after <= state.live) {
        enter(move, open);
        return;
      }
      moves_.push_back(move);
    }
    std::sort(moves_.begin(), moves_.end(),
              [](const Move& a, const Move& b) { return a.cost.after > b.cost.after; });
    for (const Move& move : moves_) {
      if (move.cost.during <= level_) {
        enter(move, open);
      } else if (move.cost.during < incumbent) {
        blocked_.push(move);
      }
    }
  }

  void enter(const Move& move, std::vector<int>& open) {
    StepSet executed = states_[move.state].executed;
    executed.set(move.step);
    if (!seen_.insert(executed).second) return;
    open.push_back(static_cast<int>(states_.size()));
    states_.push_back(
        {.executed = executed, .live = move.cost.after, .parent = move.state, .step = move.step});
  }

  /// Raises the level to what the cheapest blocked steps need; false if there are none.
  bool unblock(std::int64_t incumbent, std::vector<int>& open) {
    while (open.empty() && !blocked_.empty()) {
      const Move move = blocked_.top();
      if (move.cost.during >= incumbent) return false;
      blocked_.pop();
      level_ = std::max(level_, move.cost.during);
      enter(move, open);
    }
    return !open.empty();
  }

  std::vector<int> path_to(int state) const {
    std::vector<int> path;
    for (; states_[state].parent >= 0; state = states_[state].parent) {
      path.push_back(begin_ + states_[state].step);
    }
    std::reverse(path.begin(), path.end());
    return path;
  }

  int begin_;
  std::vector<Step> steps_;
  StepSet all_;
  std::int64_t level_ = 0;
  std::vector<State> states_;
  std::unordered_set<StepSet> seen_;
  std::priority_queue<Move> blocked_;
  std::vector<Move> moves_;
};

std::int64_t peak_of(MemoryWalk walk, const std::vector<int>& steps) {
  std::int64_t peak = walk.live();
  for (const int step : steps) peak = std::max(peak, walk.execute(step).during);
  return peak;
}

}  // namespace

StepOrder best_order(const MemoryGraph& graph, const MemoryWalk& start, int begin, int end,
                     std::int64_t bound, int max_states) {
  StepOrder best = greedy_order(graph, start, begin, end);
  best.lower_bound = bound;
  if (best.peak <= bound || static_cast<std::size_t>(end - begin) > kMaxSteps) return best;
  OrderSearch search(graph, start, begin, end);
  if (auto better = search.run(bound, best.peak, max_states)) {
    best.steps = std::move(*better);
    best.peak = peak_of(start, best.steps);
  }
  best.lower_bound = search.level();
  return best;
}

}  // namespace hwnas::estimators
