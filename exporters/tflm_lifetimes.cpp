#include "exporters/tflm_lifetimes.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "exporters/tflm_operands.hpp"

namespace hwnas::exporters::tflm {

namespace {

constexpr std::int64_t kMaxVisits = 1 << 22;
constexpr std::int64_t kAlignment = 16;

/// -1 and -1 for what no operator touches: it takes its bytes all the same.
struct Life {
  int first = -1;
  int last = -1;

  /// A graph that is entered again does not begin its tensors anew.
  void create(int scope) {
    if (first < 0) first = scope;
    last = scope;
  }
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
      : model_(model), scratch_(requests.size()), scratch_of_(model.graphs.size()) {
    for (const Graph& graph : model.graphs) tensors_.emplace_back(graph.tensors.size());
    for (std::size_t i = 0; i < requests.size(); ++i) {
      scratch_of_[requests[i].graph].push_back({requests[i].node, static_cast<int>(i)});
    }
    visit(0);
  }

  const Life& of_tensor(std::size_t graph, std::size_t tensor) const {
    return tensors_[graph][tensor];
  }
  const Life& of_scratch(std::size_t request) const { return scratch_[request]; }

 private:
  struct NodeScratch {
    int node;
    int request;
  };

  void visit(int index) {
    const Graph& graph = model_.graphs[index];
    std::vector<Life>& lives = tensors_[index];
    spend(graph.inputs.size() + graph.outputs.size());
    for (const int tensor : graph.inputs) lives[tensor].create(scope_);
    auto request = scratch_of_[index].begin();
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
      const Node& node = graph.nodes[i];
      spend(node.inputs.size() + node.outputs.size());
      const int begin = ++scope_;
      for (const int tensor : node.outputs) lives[tensor].create(scope_);
      enter(entered_graphs(graph, node));
      for (const int tensor : node.inputs) {
        if (tensor >= 0) lives[tensor].last = scope_;
      }
      for (const int tensor : node.outputs) lives[tensor].last = scope_;
      for (; request != scratch_of_[index].end() && request->node == static_cast<int>(i);
           ++request) {
        scratch_[request->request].create(begin);
        scratch_[request->request].last = scope_;
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
      ++scope_;
      visit(graph);
      --depth_;
    }
  }

  void spend(std::size_t tensors) {
    visits_ += 1 + static_cast<std::int64_t>(tensors);
    if (visits_ > kMaxVisits) throw invalid_argument("graphs are entered too often");
  }

  const Model& model_;
  std::vector<std::vector<Life>> tensors_;            ///< by graph
  std::vector<Life> scratch_;                         ///< by request
  std::vector<std::vector<NodeScratch>> scratch_of_;  ///< of each graph, by rising node
  int scope_ = 0;
  int depth_ = 0;
  std::int64_t visits_ = 0;  ///< operators and graphs entered, and the tensors that they name
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
      const Life& life = lives.of_tensor(g, t);
      buffers.push_back(
          {.bytes = aligned(tensor.bytes),
           .first = life.first,
           .last = life.last,
           .offline_offset = model.offline_offsets.empty() ? -1 : model.offline_offsets[t]});
    }
  }
  for (std::size_t i = 0; i < requests.size(); ++i) {
    buffers.push_back({.bytes = aligned(requests[i].bytes),
                       .first = lives.of_scratch(i).first,
                       .last = lives.of_scratch(i).last});
  }
  return buffers;
}

}  // namespace hwnas::exporters::tflm
