#include "estimators/order_problem.hpp"

#include <algorithm>
#include <map>

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

}  // namespace

OrderProblem order_problem(const MemoryGraph& graph, const MemoryWalk& start, int begin, int end) {
  OrderProblem problem{.tasks = {}, .tensors = {}, .live_before = start.live(), .live_after = 0};
  std::vector<int> task_of(static_cast<std::size_t>(end - begin));
  std::map<int, int> tensor_of;  // those that tasks read, by the graph's index
  MemoryWalk walk = start;
  for (int index = begin; index < end; ++index) {
    walk.execute(index);
    const MemoryStep& step = graph.steps[index];
    const int producer = step.reads.empty() ? 0 : step.reads.front() - 1;
    if (step.reads.size() == 1 && producer >= begin &&
        can_join(graph, problem.tasks[task_of[producer - begin]], step)) {
      OrderTask& task = problem.tasks[task_of[producer - begin]];
      task.steps.push_back(index);
      task.out_bytes = step.bytes;
      task_of[index - begin] = task_of[producer - begin];
      continue;
    }
    const int task = static_cast<int>(problem.tasks.size());
    task_of[index - begin] = task;
    problem.tasks.push_back({.steps = {index},
                             .during_bytes = step.bytes,
                             .out_bytes = step.bytes,
                             .may_overwrite = step.may_overwrite,
                             .reads = {},
                             .predecessors = {},
                             .successors = {}});
    for (const int tensor : step.reads) {
      const auto [entry, is_new] =
          tensor_of.try_emplace(tensor, static_cast<int>(problem.tensors.size()));
      if (is_new) {
        problem.tensors.push_back(
            {.bytes = graph.bytes[tensor],
             .readers = {},
             .outlives = tensor == graph.output || graph.readers[tensor].back() >= end});
      }
      problem.tensors[entry->second].readers.push_back(task);
      problem.tasks[task].reads.push_back(entry->second);
      if (tensor <= begin) continue;
      const int before = task_of[tensor - 1 - begin];
      problem.tasks[task].predecessors.push_back(before);
      problem.tasks[before].successors.push_back(task);
    }
  }
  problem.live_after = walk.live();
  return problem;
}

}  // namespace hwnas::estimators
