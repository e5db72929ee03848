#include "exporters/tflm_lifetimes.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "exporters/tflm_operands.hpp"

namespace hwnas::exporters::tflm {

namespace {

constexpr int kMaxVisits = 1 << 16;
constexpr std::int64_t kAlignment = 16;

/// -1 and -1 for what no operator touches: it takes its bytes all the same.
struct Life {
  int first = -1;
  int last = -1;

  void create(int scope) { first = last = scope; }
};

/// The graphs that an operator enters, in order.
std::vector<int> entered_graphs(const Graph& graph, const Node& node) {
  const Operands operands(graph, node);
  switch (node.code) {
    case Code::IF: {
      const auto& options = operands.options<tflite::IfOptions>();
      return {options.then_subgraph_index(), options.else_subgraph_index()};
    }
    case Code::WHILE: {
      const auto& options = operands.options<tflite::WhileOptions>();
      return {options.cond_subgraph_index(), options.body_subgraph_index()};
    }
    case Code::CALL_ONCE:
      return {operands.options<tflite::CallOnceOptions>().init_subgraph_index()};
    default:
      return {};
  }
}

class Lifetimes {
 public:
  Lifetimes(const Model& model, const std::vector<ScratchRequest>& requests)
      : model_(model), scratch(requests.size()), scratch_of_(model.graphs.size()) {
    for (const Graph& graph : model.graphs) tensors.emplace_back(graph.tensors.size());
    for (std::size_t i = 0; i < requests.size(); ++i) {
      scratch_of_[requests[i].graph].push_back({requests[i].node, static_cast<int>(i)});
    }
    visit(0);
  }

 private:
  struct NodeScratch {
    int node;
    int request;
  };

  void visit(int index) {
    const Graph& graph = model_.graphs[index];
    std::vector<Life>& lives = tensors[index];
    for (const int tensor : graph.inputs) lives[tensor].create(scope_);
    for (const int tensor : graph.outputs) lives[tensor].create(scope_);
    auto request = scratch_of_[index].begin();
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
      if (++visits_ > kMaxVisits) throw invalid_argument("more than {} operators", kMaxVisits);
      const Node& node = graph.nodes[i];
      const int begin = ++scope_;
      for (const int tensor : node.outputs) lives[tensor].create(scope_);
      enter(entered_graphs(graph, node));
      for (const int tensor : node.inputs) {
        if (tensor >= 0) lives[tensor].last = scope_;
      }
      for (const int tensor : node.outputs) lives[tensor].last = scope_;
      for (; request != scratch_of_[index].end() && request->node == static_cast<int>(i);
           ++request) {
        scratch[request->request] = {begin, scope_};
      }
    }
    for (const int tensor : graph.outputs) lives[tensor].last = scope_;
  }

  void enter(const std::vector<int>& graphs) {
    for (const int graph : graphs) {
      if (graph < 0 || graph >= std::ssize(model_.graphs)) {
        throw invalid_argument("graph {} is not in the file", graph);
      }
      if (++depth_ >= std::ssize(model_.graphs)) {
        throw invalid_argument("graph {} calls itself", graph);
      }
      if (++visits_ > kMaxVisits) throw invalid_argument("more than {} operators", kMaxVisits);
      ++scope_;
      visit(graph);
      --depth_;
    }
  }

  const Model& model_;

 public:
  std::vector<std::vector<Life>> tensors;  ///< by graph
  std::vector<Life> scratch;               ///< by request

 private:
  std::vector<std::vector<NodeScratch>> scratch_of_;  ///< of each graph, by rising node
  int scope_ = 0;
  int depth_ = 0;
  int visits_ = 0;
};

std::int64_t aligned(std::int64_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

}  // namespace

std::vector<PlannedBuffer> planned_buffers(const Model& model,
                                           const std::vector<ScratchRequest>& requests) {
  const Lifetimes lives(model, requests);
  std::vector<PlannedBuffer> buffers;
  for (std::size_t g = 0; g < model.graphs.size(); ++g) {
    const std::vector<Tensor>& tensors = model.graphs[g].tensors;
    for (std::size_t t = 0; t < tensors.size(); ++t) {
      const Tensor& tensor = tensors[t];
      if (tensor.is_constant || tensor.is_variable || tensor.bytes == 0) continue;
      const Life& life = lives.tensors[g][t];
      buffers.push_back(
          {.bytes = aligned(tensor.bytes),
           .first = life.first,
           .last = life.last,
           .offline_offset = model.offline_offsets.empty() ? -1 : model.offline_offsets[t]});
    }
  }
  for (std::size_t i = 0; i < requests.size(); ++i) {
    buffers.push_back({.bytes = aligned(requests[i].bytes),
                       .first = lives.scratch[i].first,
                       .last = lives.scratch[i].last});
  }
  return buffers;
}

}  // namespace hwnas::exporters::tflm
