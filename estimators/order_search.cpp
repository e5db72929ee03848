#include "estimators/order_search.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <numeric>
#include <tuple>

#include "estimators/order_problem.hpp"

namespace hwnas::estimators {

namespace {

constexpr std::size_t kMaxTasks = 256;

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

/// A set of up to 64 * kWords tasks.
template <int kWords>
struct TaskSet {
  std::array<std::uint64_t, kWords> words{};

  bool operator==(const TaskSet&) const = default;
  void insert(int task) { words[task / 64] |= std::uint64_t{1} << (task % 64); }
  void erase(int task) { words[task / 64] &= ~(std::uint64_t{1} << (task % 64)); }
  bool contains(int task) const { return (words[task / 64] >> (task % 64) & 1) != 0; }
  bool includes(const TaskSet& other) const {
    std::uint64_t missing = 0;
    for (int w = 0; w < kWords; ++w) missing |= other.words[w] & ~words[w];
    return missing == 0;
  }
  bool meets(const TaskSet& other) const {
    std::uint64_t common = 0;
    for (int w = 0; w < kWords; ++w) common |= other.words[w] & words[w];
    return common != 0;
  }
  template <typename Visit>  // returns whether to go on
  void for_each(const Visit& visit) const {
    for (int w = 0; w < kWords; ++w) {
      for (std::uint64_t rest = words[w]; rest != 0; rest &= rest - 1) {
        if (!visit(64 * w + std::countr_zero(rest))) return;
      }
    }
  }
  std::uint64_t hash() const {
    std::uint64_t result = 0;
    for (const std::uint64_t word : words) {
      result = (result ^ word) * 0x9E3779B97F4A7C15U;
      result ^= result >> 29;
    }
    return result;
  }
};

enum class Answer { kFound, kImpossible, kOutOfBudget };

/// Whether all tasks can be executed within `level` bytes: a search over the sets of executed
/// tasks, from none to all or from all back to none. What is live after a set of tasks does not
/// depend on their order, so each set is looked at once (dynamic programming over the antichains of
/// the graph, as SERENITY does: Ahn et al., "Ordering Chaos", MLSys 2020, section 3.1).
///
/// Dominance: a task that fits into the level and leaves no more live than before is executed at
/// once, and its siblings are dropped. For take any continuation that stays within the level and
/// move that task to its front: afterwards every set holds one more executed task, whose output is
/// no larger than what it freed, and no other task loses an input it could overwrite. Backwards, a
/// task that fits and is preceded by no more live than it leaves is taken back at once, for the
/// same reason: what is live is a submodular function of the set. No set in between is kept.
template <int kWords>
class LevelSearch {
 public:
  using Set = TaskSet<kWords>;

  LevelSearch(const OrderProblem& problem, std::int64_t level, bool is_backward)
      : problem_(problem), level_(level), is_backward_(is_backward) {
    const std::size_t count = problem.tasks.size();
    predecessors_.resize(count);
    successors_.resize(count);
    readers_.resize(problem.tensors.size());
    for (std::size_t t = 0; t < count; ++t) {
      for (const int other : problem.tasks[t].predecessors) predecessors_[t].insert(other);
      for (const int other : problem.tasks[t].successors) successors_[t].insert(other);
      all_.insert(static_cast<int>(t));
    }
    for (std::size_t t = 0; t < readers_.size(); ++t) {
      for (const int reader : problem.tensors[t].readers) readers_[t].insert(reader);
    }
    slots_.resize(kFirstSlots, -1);
    State state{.executed = is_backward ? all_ : Set{},
                .live = is_backward ? problem.live_after : problem.live_before,
                .parent = -1,
                .task = -1};
    follow_dominant(state);
    enter(state);
  }

  std::size_t states() const { return states_.size(); }

  /// Looks at up to `expansions` more sets.
  Answer run(int expansions) {
    const Set goal = is_backward_ ? Set{} : all_;
    for (; !open_.empty(); --expansions) {
      if (expansions <= 0) return Answer::kOutOfBudget;
      const int index = open_.back();
      open_.pop_back();
      if (states_[index].executed == goal) {
        found_ = index;
        return Answer::kFound;
      }
      expand(index);
    }
    return Answer::kImpossible;
  }

  /// Steps in the order of execution, after kFound.
  std::vector<int> path() const {
    std::vector<int> states;
    for (int state = found_; state >= 0; state = states_[state].parent) states.push_back(state);
    std::reverse(states.begin(), states.end());
    std::vector<int> tasks;
    State state{.executed = is_backward_ ? all_ : Set{},
                .live = is_backward_ ? problem_.live_after : problem_.live_before,
                .parent = -1,
                .task = -1};
    for (const int next : states) {
      if (states_[next].task >= 0) {
        apply(state, states_[next].task, cost(state, states_[next].task));
        tasks.push_back(states_[next].task);
      }
      follow_dominant(state, &tasks);
    }
    if (is_backward_) std::reverse(tasks.begin(), tasks.end());
    std::vector<int> steps;
    for (const int task : tasks) {
      steps.insert(steps.end(), problem_.tasks[task].steps.begin(),
                   problem_.tasks[task].steps.end());
    }
    return steps;
  }

 private:
  static constexpr std::size_t kFirstSlots = 64;

  struct State {
    Set executed;
    std::int64_t live = 0;
    int parent = 0;
    int task = 0;
  };
  struct Cost {
    std::int64_t during = 0;
    std::int64_t after = 0;  ///< live in the set that the move leads to
  };
  struct Move {
    int task = 0;
    Cost cost;
  };

  bool is_possible(const State& state, int task) const {
    return is_backward_ ? !successors_[task].meets(state.executed)
                        : state.executed.includes(predecessors_[task]);
  }

  /// Of executing the task, or of taking it back.
  Cost cost(const State& state, int index) const {
    const OrderTask& task = problem_.tasks[index];
    Set before = state.executed;
    if (is_backward_) before.erase(index);
    Set after = before;
    after.insert(index);
    std::int64_t freed = 0;
    bool overwrites = false;
    for (const int read : task.reads) {
      const OrderTensor& tensor = problem_.tensors[read];
      if (tensor.outlives || !after.includes(readers_[read])) continue;
      freed += tensor.bytes;
      overwrites |= task.may_overwrite && tensor.bytes >= task.during_bytes;
    }
    const std::int64_t net = task.out_bytes - freed;
    const std::int64_t live_before = is_backward_ ? state.live - net : state.live;
    return {.during = live_before + (overwrites ? 0 : task.during_bytes),
            .after = is_backward_ ? live_before : state.live + net};
  }

  void apply(State& state, int task, const Cost& cost) const {
    if (is_backward_) {
      state.executed.erase(task);
    } else {
      state.executed.insert(task);
    }
    state.live = cost.after;
  }

  Set candidates(const State& state) const {
    Set result;
    for (int w = 0; w < kWords; ++w) {
      result.words[w] =
          is_backward_ ? state.executed.words[w] : all_.words[w] & ~state.executed.words[w];
    }
    return result;
  }

  void follow_dominant(State& state, std::vector<int>* path = nullptr) const {
    for (bool moved = true; moved;) {
      moved = false;
      candidates(state).for_each([&](int task) {
        if (!is_possible(state, task)) return true;
        const Cost it = cost(state, task);
        if (it.during > level_ || it.after > state.live) return true;
        apply(state, task, it);
        if (path != nullptr) path->push_back(task);
        moved = true;
        return true;
      });
    }
  }

  void expand(int index) {
    const State state = states_[index];
    moves_.clear();
    candidates(state).for_each([&](int task) {
      if (!is_possible(state, task)) return true;
      const Move move{task, cost(state, task)};
      if (move.cost.during <= level_) moves_.push_back(move);
      return true;
    });
    std::ranges::sort(moves_, std::greater{}, [](const Move& move) { return move.cost.after; });
    for (const Move& move : moves_) {
      State next{.executed = state.executed, .live = 0, .parent = index, .task = move.task};
      apply(next, move.task, move.cost);
      follow_dominant(next);
      enter(next);
    }
  }

  void enter(const State& state) {
    if (2 * states_.size() >= slots_.size()) rehash();
    int& slot = slots_[slot_of(state.executed)];
    if (slot >= 0) return;
    slot = static_cast<int>(states_.size());
    open_.push_back(slot);
    states_.push_back(state);
  }

  std::size_t slot_of(const Set& executed) const {
    std::size_t slot = executed.hash() & (slots_.size() - 1);
    while (slots_[slot] >= 0 && states_[slots_[slot]].executed != executed) {
      slot = (slot + 1) & (slots_.size() - 1);
    }
    return slot;
  }

  void rehash() {
    slots_.assign(2 * slots_.size(), -1);
    for (std::size_t i = 0; i < states_.size(); ++i) {
      slots_[slot_of(states_[i].executed)] = static_cast<int>(i);
    }
  }

  const OrderProblem& problem_;
  std::int64_t level_;
  bool is_backward_;
  std::vector<Set> predecessors_;  ///< of each task
  std::vector<Set> successors_;    ///< of each task
  std::vector<Set> readers_;       ///< of each tensor
  Set all_;
  std::vector<State> states_;
  std::vector<int> slots_;  ///< states by the hash of their sets, -1: free
  std::vector<int> open_;
  std::vector<Move> moves_;
  int found_ = -1;
};

std::int64_t peak_of(MemoryWalk walk, const std::vector<int>& steps) {
  std::int64_t peak = walk.live();
  for (const int step : steps) peak = std::max(peak, walk.execute(step).during);
  return peak;
}

/// Steps in an order within `level`, or whether there is none. Both directions take turns: what one
/// exhausts is decided.
struct Decision {
  Answer answer = Answer::kOutOfBudget;
  std::vector<int> steps;
  int states = 0;
};

template <int kWords>
Decision decide(const OrderProblem& problem, std::int64_t level, int max_states) {
  const int turn = std::clamp(max_states, 1, 256);
  std::vector<LevelSearch<kWords>> searches;
  searches.reserve(2);  // the second only if the first is not done at once
  searches.emplace_back(problem, level, false);
  Decision decision;
  while (decision.answer == Answer::kOutOfBudget && decision.states < max_states) {
    decision.states = 0;
    for (LevelSearch<kWords>& search : searches) {
      decision.answer = search.run(turn);
      decision.states += static_cast<int>(search.states());
      if (decision.answer == Answer::kFound) decision.steps = search.path();
      if (decision.answer != Answer::kOutOfBudget) break;
    }
    if (searches.size() == 1) searches.emplace_back(problem, level, true);
  }
  return decision;
}

Decision decide(const OrderProblem& problem, std::int64_t level, int max_states) {
  const std::size_t tasks = problem.tasks.size();
  if (tasks <= 64) return decide<1>(problem, level, max_states);
  if (tasks <= 128) return decide<2>(problem, level, max_states);
  if (tasks <= kMaxTasks) return decide<4>(problem, level, max_states);
  return {};
}

}  // namespace

StepOrder best_order(const MemoryGraph& graph, const MemoryWalk& start, int begin, int end,
                     std::int64_t bound, int max_states) {
  StepOrder best = greedy_order(graph, start, begin, end);
  best.lower_bound = bound;
  if (best.peak <= bound) return best;
  const OrderProblem problem = order_problem(graph, start, begin, end);
  int left = max_states;
  const auto ask = [&](std::int64_t level, int budget) {
    Decision decision = decide(problem, level, budget);
    left -= decision.states + 1;
    if (decision.answer == Answer::kImpossible) best.lower_bound = level + 1;
    if (decision.answer == Answer::kFound) {
      best.steps = std::move(decision.steps);
      best.peak = peak_of(start, best.steps);
    }
    return decision.answer;
  };
  // Downwards from the best order known: the last level to be refuted is the only one that has to
  // be exhausted.
  Answer answer = Answer::kFound;
  while (answer == Answer::kFound && left > 0 && best.peak > bound) {
    answer = ask(best.peak - 1, left / 2 + 1);
  }
  // Where the budget does not suffice for that, lower levels may still be refuted.
  for (std::int64_t open = best.peak - 1; left > 0 && open > best.lower_bound;) {
    const std::int64_t level = std::midpoint(best.lower_bound, open);
    answer = ask(level, left / 4 + 1);
    if (answer != Answer::kImpossible) open = std::min(level, best.peak - 1);
  }
  return best;
}

}  // namespace hwnas::estimators
