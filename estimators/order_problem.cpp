#include "estimators/order_problem.hpp"

#include <algorithm>

namespace hwnas::estimators {

namespace {

/// Bytes of inputs that die whenever the step is executed, for it is their only reader.
std::int64_t always_freed(const MemoryGraph& graph, const MemoryStep& step) {
  std::int64_t freed = 0;
  for (const int tensor : step.reads) {
    if (graph.readers[tensor].size() == 1 && tensor != graph.output) freed += graph.bytes[tensor];
  }
  return freed;
}

bool can_join(const MemoryGraph& graph, const OrderTask& task, const MemoryStep& next) {
  const int produced = task.steps.back() + 1;
  const bool only_reader = next.reads.size() == 1 && next.reads.front() == produced &&
                           graph.readers[produced].size() == 1 && produced != graph.output;
  if (!only_reader || next.bytes > task.out_bytes) return false;
  const MemoryStep& first = graph.steps[task.steps.front()];
  const std::int64_t during = task.may_overwrite ? 0 : task.during_bytes;
  return task.out_bytes - always_freed(graph, first) + (next.may_overwrite ? 0 : next.bytes) <=
         during;
}

class Joiner {
 public:
  Joiner(const MemoryGraph& graph, int begin, int end)
      : graph_(graph),
        begin_(begin),
        end_(end),
        task_of_(static_cast<std::size_t>(end - begin)),
        inner_(static_cast<std::size_t>(end - begin), -1) {
    problem_.tasks.reserve(task_of_.size());
    problem_.tensors.reserve(task_of_.size());
  }

  void add(int index) {
    const MemoryStep& step = graph_.steps[index];
    const int producer = step.reads.front() - 1;
    if (producer >= begin_ && can_join(graph_, task_before(producer), step)) {
      OrderTask& task = task_before(producer);
      task.steps.push_back(index);
      task.out_bytes = step.bytes;
      task_of_[index - begin_] = task_of_[producer - begin_];
      return;
    }
    const int task = static_cast<int>(problem_.tasks.size());
    task_of_[index - begin_] = task;
    problem_.tasks.push_back({.steps = {index},
                              .during_bytes = step.bytes,
                              .out_bytes = step.bytes,
                              .may_overwrite = step.may_overwrite,
                              .reads = {},
                              .predecessors = {},
                              .successors = {}});
    for (const int tensor : step.reads) {
      const int local = local_tensor(tensor);
      problem_.tensors[local].readers.push_back(task);
      problem_.tasks[task].reads.push_back(local);
      if (tensor <= begin_) continue;
      const int before = task_of_[tensor - 1 - begin_];
      problem_.tasks[task].predecessors.push_back(before);
      problem_.tasks[before].successors.push_back(task);
    }
  }

  OrderProblem take() { return std::move(problem_); }

 private:
  OrderTask& task_before(int step) { return problem_.tasks[task_of_[step - begin_]]; }

  /// The problem's index of a tensor of the graph.
  int local_tensor(int tensor) {
    if (tensor > begin_ && inner_[tensor - 1 - begin_] >= 0) return inner_[tensor - 1 - begin_];
    if (tensor <= begin_) {
      const auto known = std::ranges::find(outer_, tensor, &Outer::tensor);
      if (known != outer_.end()) return known->local;
    }
    const int local = static_cast<int>(problem_.tensors.size());
    problem_.tensors.push_back(
        {.bytes = graph_.bytes[tensor],
         .readers = {},
         .outlives = tensor == graph_.output || graph_.readers[tensor].back() >= end_});
    if (tensor > begin_) {
      inner_[tensor - 1 - begin_] = local;
    } else {
      outer_.push_back({tensor, local});
    }
    return local;
  }

  struct Outer {
    int tensor;
    int local;
  };

  const MemoryGraph& graph_;
  int begin_;
  int end_;
  OrderProblem problem_;
  std::vector<int> task_of_;  ///< of each step
  std::vector<int> inner_;    ///< problem's tensors by step that writes them, -1: none yet
  std::vector<Outer> outer_;  ///< those written before; few
};

}  // namespace

OrderProblem order_problem(const MemoryGraph& graph, const MemoryWalk& start, int begin, int end) {
  Joiner joiner(graph, begin, end);
  MemoryWalk walk = start;
  for (int step = begin; step < end; ++step) {
    walk.execute(step);
    joiner.add(step);
  }
  OrderProblem problem = joiner.take();
  problem.live_before = start.live();
  problem.live_after = walk.live();
  return problem;
}

}  // namespace hwnas::estimators
