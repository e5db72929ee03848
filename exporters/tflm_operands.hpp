#pragma once

#include "core/error.hpp"
#include "exporters/tflm_model.hpp"

namespace hwnas::exporters::tflm {

/// The tensors of one operator, checked when they are asked for (InvalidArgument).
class Operands {
 public:
  Operands(const Graph& graph, const Node& node) : graph_(graph), node_(node) {}

  const Tensor* optional_input(std::size_t position) const {
    if (position >= node_.inputs.size() || node_.inputs[position] < 0) return nullptr;
    return &graph_.tensors[node_.inputs[position]];
  }
  const Tensor& input(std::size_t position) const {
    const Tensor* const tensor = optional_input(position);
    if (tensor == nullptr) throw invalid_argument("input {} is missing", position);
    return *tensor;
  }
  /// Of this rank and not empty.
  const Tensor& input(std::size_t position, std::size_t rank) const {
    return of_rank(input(position), rank);
  }
  const Tensor& output() const {
    if (node_.outputs.empty()) throw invalid_argument("it has no output");
    return graph_.tensors[node_.outputs.front()];
  }
  const Tensor& output(std::size_t rank) const { return of_rank(output(), rank); }

  template <typename Table>
  const Table& options() const {
    const auto* const found = node_.source->builtin_options_as<Table>();
    if (found == nullptr) throw invalid_argument("its options are missing");
    return *found;
  }

 private:
  const Tensor& of_rank(const Tensor& tensor, std::size_t rank) const {
    if (tensor.dims.size() != rank || tensor.elements == 0) {
      throw invalid_argument("a tensor of shape [{}] where one of rank {} is needed",
                             fmt::join(tensor.dims, ", "), rank);
    }
    return tensor;
  }

  const Graph& graph_;
  const Node& node_;
};

}  // namespace hwnas::exporters::tflm
