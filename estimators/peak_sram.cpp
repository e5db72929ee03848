#include "estimators/peak_sram.hpp"

#include <algorithm>
#include <limits>

#include "core/error.hpp"
#include "estimators/memory_graph.hpp"
#include "estimators/order_search.hpp"

namespace hwnas::estimators {

namespace {

/// For each step, whether every other step must come before it or must come after it. Every order
/// then passes through the same set of executed steps after it, and what lies between two such
/// steps can be ordered on its own.
std::vector<bool> find_cuts(const MemoryGraph& graph) {
  const int count = static_cast<int>(graph.steps.size());
  std::vector<bool> cuts(count, true);
  // All earlier steps lead to `step` if each of them is read no later than by `step` itself …
  int last_first_reader = 0;
  for (int step = 0; step < count; ++step) {
    if (last_first_reader > step) cuts[step] = false;
    const std::vector<int>& readers = graph.readers[step + 1];
    last_first_reader = std::max(last_first_reader, readers.empty() ? count : readers.front());
  }
  // … and all later steps follow from it if each of them reads `step` or something later.
  int earliest_last_read = count;
  for (int step = count - 1; step >= 0; --step) {
    if (earliest_last_read < step + 1) cuts[step] = false;
    const std::vector<int>& reads = graph.steps[step].reads;
    earliest_last_read =
        std::min(earliest_last_read, *std::max_element(reads.begin(), reads.end()));
  }
  return cuts;
}

/// Steps between two cuts, the latter included, that can be executed in more than one order.
struct Segment {
  MemoryWalk start;
  int begin = 0;
  int end = 0;
};

/// Inputs and output of the step alone.
std::int64_t least_bytes(const MemoryGraph& graph, int index) {
  const MemoryStep& step = graph.steps[index];
  std::int64_t inputs = 0;
  bool overwrites = false;
  for (const int tensor : step.reads) {
    inputs += graph.bytes[tensor];
    overwrites |= step.may_overwrite && graph.bytes[tensor] >= step.bytes;
  }
  return inputs + (overwrites ? 0 : step.bytes);
}

/// Layers in the order of their steps; fused layers and views directly after what they need.
std::vector<int> layer_order(const ir::Network& network, const MemoryGraph& graph,
                             const std::vector<int>& steps) {
  const int count = static_cast<int>(network.layers.size());
  std::vector<int> rank(count, -1);  // of the step that a layer waits for, then of the layer itself
  for (std::size_t i = 0; i < steps.size(); ++i)
    rank[graph.steps[steps[i]].layer] = static_cast<int>(i);
  for (int layer = 0; layer < count; ++layer) {
    if (rank[layer] >= 0) continue;
    for (const int input : network.layers[layer].inputs) {
      if (input != ir::kNetworkInput) rank[layer] = std::max(rank[layer], rank[input]);
    }
  }
  std::vector<int> order(count);
  for (int layer = 0; layer < count; ++layer) order[layer] = layer;
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return rank[a] < rank[b]; });
  return order;
}

}  // namespace

PeakSram peak_sram(const ir::Network& network, const SramOptions& options) {
  const MemoryGraph graph = memory_graph(network, options);
  const std::vector<bool> cuts = find_cuts(graph);
  const int count = static_cast<int>(graph.steps.size());

  MemoryWalk walk(graph);
  std::int64_t peak = walk.live();  // of all that has no choice, and a bound for the rest
  std::vector<Segment> segments;
  for (int begin = 0, end = 0; begin < count; begin = end) {
    end = begin + 1;
    while (end < count && !cuts[end - 1]) ++end;
    if (end - begin > 1) segments.push_back({walk, begin, end});
    for (int step = begin; step < end; ++step) {
      const std::int64_t during = walk.execute(step).during;
      peak = std::max(peak, end - begin == 1 ? during : least_bytes(graph, step));
    }
  }

  std::vector<int> steps(count);
  for (int step = 0; step < count; ++step) steps[step] = step;
  std::int64_t lower_bound = peak;
  for (const Segment& segment : segments) {
    const StepOrder best =
        best_order(graph, segment.start, segment.begin, segment.end, peak, options.max_states);
    std::copy(best.steps.begin(), best.steps.end(), steps.begin() + segment.begin);
    lower_bound = std::max(lower_bound, std::min(best.lower_bound, best.peak));
    peak = std::max(peak, best.peak);
  }
  return {.bytes = peak,
          .order = layer_order(network, graph, steps),
          .exact = peak == lower_bound,
          .lower_bound = lower_bound};
}

std::int64_t sram_of_order(const ir::Network& network, const std::vector<int>& order,
                           const SramOptions& options) {
  const MemoryGraph graph = memory_graph(network, options);
  const int count = static_cast<int>(network.layers.size());
  std::vector<int> step_of(count, -1);
  for (std::size_t s = 0; s < graph.steps.size(); ++s)
    step_of[graph.steps[s].layer] = static_cast<int>(s);

  MemoryWalk walk(graph);
  std::int64_t peak = walk.live();
  std::vector<bool> executed(count);
  if (order.size() != network.layers.size()) {
    throw invalid_argument("order of {} layers for a network of {}", order.size(), count);
  }
  for (const int layer : order) {
    if (layer < 0 || layer >= count || executed[layer]) {
      throw invalid_argument("order names layer {} twice, or it does not exist", layer);
    }
    for (const int input : network.layers[layer].inputs) {
      if (input != ir::kNetworkInput && !executed[input]) {
        throw invalid_argument("order executes layer '{}' before its input '{}'",
                               network.layers[layer].name, network.layers[input].name);
      }
    }
    executed[layer] = true;
    if (step_of[layer] >= 0) peak = std::max(peak, walk.execute(step_of[layer]).during);
  }
  return peak;
}

}  // namespace hwnas::estimators
