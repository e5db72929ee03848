#include "exporters/tflm_arena.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

#include "core/error.hpp"
#include "core/file.hpp"
#include "exporters/tflm_lifetimes.hpp"
#include "exporters/tflm_model.hpp"
#include "exporters/tflm_objects.hpp"
#include "exporters/tflm_planner.hpp"
#include "exporters/tflm_scratch.hpp"

namespace hwnas::exporters {

namespace {

using namespace tflm;

constexpr std::size_t kMaxFileBytes = std::size_t{192} << 20;
constexpr std::size_t kMaxBuffers = 8192;
constexpr std::int64_t kMaxScratchBytes = std::int64_t{1} << 40;
constexpr std::int64_t kArenaAlignment = 16;

std::int64_t rounded_up(std::int64_t bytes, std::int64_t alignment) {
  return (bytes + alignment - 1) / alignment * alignment;
}

/// Grows downwards from an aligned end.
class Tail {
 public:
  void allocate(std::int64_t bytes, std::int64_t alignment) {
    if (bytes > 0) bytes_ = rounded_up(bytes_ + bytes, alignment);
  }
  std::int64_t bytes() const { return bytes_; }

 private:
  std::int64_t bytes_ = 0;
};

/// Follows MicroInterpreter::AllocateTensors (tensorflow/lite/micro/micro_interpreter.cc,
/// micro_allocator.cc) allocation by allocation.
class ArenaPlan {
 public:
  ArenaPlan(const Model& model, TflmBuild build)
      : model_(model), build_(build), sizes_(target_objects(build)) {}

  TflmArena plan() {
    allocate_graphs();
    allocate_kernels();
    tail_.allocate(sizes_.pointer * std::ssize(requests_), sizes_.pointer);
    allocate_variables();
    const std::vector<PlannedBuffer> buffers = planned_buffers(model_, requests_);
    if (buffers.size() > kMaxBuffers) {
      throw invalid_argument("{} buffers, at most {} are planned", buffers.size(), kMaxBuffers);
    }
    const std::int64_t planning = planning_bytes(std::ssize(buffers));
    allocate_ends(model_.graphs.front().inputs);
    allocate_ends(model_.graphs.front().outputs);
    TflmArena arena{.head = greedy_end(buffers), .tail = tail_.bytes()};
    arena.smallest = rounded_up(std::max(arena.head + arena.tail, planning), kArenaAlignment);
    return arena;
  }

 private:
  /// The message says which graph and operator.
  template <typename Visit>
  void for_each_node(const Visit& visit) const {
    for (std::size_t g = 0; g < model_.graphs.size(); ++g) {
      const Graph& graph = model_.graphs[g];
      for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
        try {
          visit(static_cast<int>(g), static_cast<int>(n), graph, graph.nodes[n]);
        } catch (const Error& error) {
          throw Error(error.code(),
                      fmt::format("graph {}: operator {} (type {}): {}", g, n,
                                  static_cast<int>(graph.nodes[n].code), error.what()));
        }
      }
    }
  }

  std::int64_t tensors() const {
    return std::accumulate(
        model_.graphs.begin(), model_.graphs.end(), std::int64_t{0},
        [](std::int64_t sum, const Graph& graph) { return sum + std::ssize(graph.tensors); });
  }

  void allocate_graphs() {
    tail_.allocate(sizes_.interpreter, 1);
    tail_.allocate(2 * sizes_.pointer * (std::ssize(model_.graphs) - 1), sizes_.pointer);
    for (const Graph& graph : model_.graphs) {
      tail_.allocate(sizes_.eval_tensor * std::ssize(graph.tensors), sizes_.pointer);
    }
    for (const Graph& graph : model_.graphs) {
      tail_.allocate(sizes_.node * std::ssize(graph.nodes), sizes_.pointer);
    }
  }

  void allocate_kernels() {
    for_each_node([&](int, int, const Graph&, const Node& node) {
      const Options options = parsed_options(node.code, build_);
      tail_.allocate(options.bytes, options.alignment);
    });
    for_each_node([&](int, int, const Graph&, const Node& node) {
      tail_.allocate(kernel_data(node.code, build_), kArenaAlignment);
    });
    for_each_node([&](int g, int n, const Graph& graph, const Node& node) {
      for (const std::int64_t bytes : kernel_arrays(graph, node, build_)) {
        tail_.allocate(bytes, kArenaAlignment);
      }
      for (const std::int64_t bytes : kernel_scratch(graph, node, build_)) {
        if (bytes > kMaxScratchBytes) throw invalid_argument("{} bytes of scratch", bytes);
        requests_.push_back({.graph = g, .node = n, .bytes = bytes});
      }
    });
  }

  void allocate_variables() {
    for (const Graph& graph : model_.graphs) {
      for (const Tensor& tensor : graph.tensors) {
        if (tensor.is_variable) tail_.allocate(tensor.bytes, kArenaAlignment);
      }
    }
  }

  /// Planning needs room for its own records between an empty head and the tail so far; they are
  /// gone afterwards. What GreedyMemoryPlanner gets begins and ends at multiples of 16.
  std::int64_t planning_bytes(std::int64_t buffers) const {
    constexpr int kRequestsOfOneOperator = 12;
    constexpr int kRecordOfBuffer = 40;  // GreedyMemoryPlanner::per_buffer_size
    const std::int64_t requests = std::ssize(requests_);
    const std::int64_t records = sizes_.scratch_request * (kRequestsOfOneOperator + requests) +
                                 sizes_.pointer * std::ssize(model_.graphs) +
                                 sizes_.allocation_info * (tensors() + requests);
    return rounded_up(records, kArenaAlignment) + kRecordOfBuffer * buffers +
           rounded_up(tail_.bytes(), kArenaAlignment);
  }

  /// TfLiteTensors of the inputs or outputs of the whole network.
  void allocate_ends(const std::vector<int>& ends) {
    tail_.allocate(sizes_.pointer * std::ssize(ends), kArenaAlignment);
    for (const int index : ends) {
      const int scales = model_.graphs.front().tensors[index].scales;
      tail_.allocate(sizes_.tensor, sizes_.pointer);
      if (scales == 0) continue;
      tail_.allocate(sizes_.quantization, sizes_.pointer);
      tail_.allocate(4 + 4 * std::int64_t{scales}, 4);
    }
  }

  const Model& model_;
  TflmBuild build_;
  const TargetObjects& sizes_;
  Tail tail_;
  std::vector<ScratchRequest> requests_;
};

void require_offline_offsets(const Model& model) {
  std::size_t tensors = 0;
  for (const Graph& graph : model.graphs) tensors += graph.tensors.size();
  if (!model.offline_offsets.empty() && model.offline_offsets.size() != tensors) {
    throw invalid_argument("OfflineMemoryAllocation places {} tensors, the file has {}",
                           model.offline_offsets.size(), tensors);
  }
  for (const std::int32_t offset : model.offline_offsets) {
    if (offset < -1)
      throw invalid_argument("OfflineMemoryAllocation places a tensor at {}", offset);
  }
}

}  // namespace

TflmArena tflm_arena(const std::filesystem::path& file, TflmBuild build) {
  const std::string bytes = read_file(file, kMaxFileBytes);
  try {
    const Model model = read_model(bytes);
    if (model.graphs.front().nodes.empty()) throw invalid_argument("no operators");
    require_offline_offsets(model);
    return ArenaPlan(model, build).plan();
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("{}: {}", file.string(), error.what()));
  }
}

}  // namespace hwnas::exporters
