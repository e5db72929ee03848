#include "estimators/arena_plan.hpp"

#include <algorithm>

#include "estimators/memory_graph.hpp"
#include "estimators/packing.hpp"

namespace hwnas::estimators {

namespace {

constexpr int kMaxPlacements = 100'000;
constexpr int kMaxChoices = 64;  // of what is overwritten, tried one after the other

/// A memory graph whose steps have a time each.
struct Timeline {
  MemoryGraph graph;
  std::vector<int> time;     ///< of each step
  std::vector<int> at_time;  ///< the step at each time

  int begin(int tensor) const { return tensor == 0 ? 0 : time[tensor - 1]; }
  int end(int tensor) const {
    int last = begin(tensor);
    for (const int reader : graph.readers[tensor]) last = std::max(last, time[reader]);
    return tensor == graph.output ? static_cast<int>(time.size()) - 1 : last;
  }
};

Timeline timeline(const ir::Network& network, const std::vector<int>& order,
                  const SramOptions& options) {
  Timeline result{.graph = memory_graph(network, options), .time = {}, .at_time = {}};
  std::vector<int> step_of(network.layers.size(), -1);
  for (std::size_t s = 0; s < result.graph.steps.size(); ++s) {
    step_of[result.graph.steps[s].layer] = static_cast<int>(s);
  }
  result.time.resize(result.graph.steps.size());
  for (const int layer : order) {
    if (step_of[layer] < 0) continue;
    result.time[step_of[layer]] = static_cast<int>(result.at_time.size());
    result.at_time.push_back(step_of[layer]);
  }
  return result;
}

/// Inputs of the step that its output may overwrite.
std::vector<int> overwritable(const Timeline& timeline, int step) {
  const MemoryStep& it = timeline.graph.steps[step];
  std::vector<int> result;
  if (!it.may_overwrite || it.bytes == 0) return result;
  for (const int tensor : it.reads) {
    const bool dies =
        tensor != timeline.graph.output && timeline.end(tensor) == timeline.time[step];
    if (dies && timeline.graph.bytes[tensor] >= it.bytes) result.push_back(tensor);
  }
  return result;
}

struct Blocks {
  std::vector<Block> blocks;
  std::vector<int> of_tensor;  ///< -1: takes no bytes
};

/// `choice` says in mixed radix which of several dying inputs each step overwrites; afterwards it
/// holds what is left, more than 0 if there are fewer choices.
Blocks make_blocks(const Timeline& timeline, int& choice) {
  const MemoryGraph& graph = timeline.graph;
  Blocks result{.blocks = {}, .of_tensor = std::vector<int>(graph.bytes.size(), -1)};
  const auto start_block = [&](int tensor) {
    if (graph.bytes[tensor] == 0) return;
    result.of_tensor[tensor] = static_cast<int>(result.blocks.size());
    result.blocks.push_back(
        {{{timeline.begin(tensor), timeline.end(tensor), graph.bytes[tensor]}}});
  };
  start_block(0);
  for (const int step : timeline.at_time) {
    const int tensor = step + 1;
    const std::vector<int> inputs = overwritable(timeline, step);
    if (inputs.empty()) {
      start_block(tensor);
      continue;
    }
    const int count = static_cast<int>(inputs.size());
    const int block = result.of_tensor[inputs[choice % count]];
    choice /= count;
    result.of_tensor[tensor] = block;
    result.blocks[block].pieces.push_back(
        {timeline.begin(tensor), timeline.end(tensor), graph.bytes[tensor]});
  }
  return result;
}

/// Offsets of tensors as offsets of layers.
void set_offsets(const ir::Network& network, const Timeline& timeline, const Blocks& blocks,
                 const Packing& packing, ArenaPlan& plan) {
  const auto offset_of = [&](int tensor) {
    const int block = blocks.of_tensor[tensor];
    return block < 0 ? 0 : packing.offsets[block];
  };
  plan.bytes = packing.bytes;
  plan.input_offset = offset_of(0);
  plan.offsets.resize(network.layers.size());
  std::vector<int> tensor_of(network.layers.size(), -1);
  for (std::size_t s = 0; s < timeline.graph.steps.size(); ++s) {
    tensor_of[timeline.graph.steps[s].layer] = static_cast<int>(s) + 1;
  }
  for (std::size_t layer = 0; layer < network.layers.size(); ++layer) {
    // Layers without a kernel follow the one that their first input belongs to.
    if (tensor_of[layer] < 0) {
      const int producer = network.layers[layer].inputs.front();
      tensor_of[layer] = producer == ir::kNetworkInput ? 0 : tensor_of[producer];
    }
    plan.offsets[layer] = offset_of(tensor_of[layer]);
  }
}

}  // namespace

ArenaPlan arena_plan(const ir::Network& network, const SramOptions& options) {
  PeakSram peak = peak_sram(network, options);
  ArenaPlan plan{.bytes = 0,
                 .peak_bytes = peak.bytes,
                 .order = std::move(peak.order),
                 .input_offset = 0,
                 .offsets = {}};
  const Timeline steps = timeline(network, plan.order, options);
  for (int attempt = 0; attempt < kMaxChoices; ++attempt) {
    int choice = attempt;
    const Blocks blocks = make_blocks(steps, choice);
    if (choice > 0) break;
    const Packing packing =
        pack(blocks.blocks, plan.peak_bytes, attempt == 0 ? kMaxPlacements : kMaxPlacements / 10);
    if (attempt == 0 || packing.bytes < plan.bytes) {
      set_offsets(network, steps, blocks, packing, plan);
    }
    if (plan.is_tight()) break;
  }
  return plan;
}

}  // namespace hwnas::estimators
