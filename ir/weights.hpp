#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "ir/network.hpp"

namespace hwnas::ir {

/// A dense row-major array.
struct Array {
  std::vector<std::int64_t> shape;
  std::vector<float> values;
  bool operator==(const Array&) const = default;
};

/// What one layer holds; unused arrays are empty. Convolution and linear: weight, bias. Batch norm:
/// all four, each of `channels` values.
struct LayerWeights {
  Array weight;
  Array bias;
  Array running_mean;
  Array running_var;
  bool operator==(const LayerWeights&) const = default;
};

/// Layer name -> arrays. Plain data; no torch.
struct Weights {
  std::map<std::string, LayerWeights> layers;
  bool operator==(const Weights&) const = default;
};

/// Throws InvalidArgument if a layer's arrays are missing, surplus or of the wrong shape.
void verify(const Network& network, const Weights& weights);

/// A network and weights without batch norms: each batch norm whose only producer is a convolution
/// or linear layer read by nothing else is folded into it (which then has a bias); any other
/// becomes a depthwise 1x1 convolution. Equal function up to float rounding.
struct FoldedNetwork {
  Network network;
  Weights weights;
};
FoldedNetwork fold_batch_norm(const Network& network, const Weights& weights);
/// The same without weights, for cost models.
Network fold_batch_norm(const Network& network);

/// safetensors files ("<layer>.weight", "<layer>.bias", …). The writer is byte-deterministic. The
/// reader checks every length and offset before it allocates; throws InvalidArgument naming file
/// and reason.
void save_safetensors(const Weights& weights, const std::filesystem::path& file);
Weights load_safetensors(const std::filesystem::path& file);

/// Runs the network on one input (NCHW order, network.input.elements() values) in plain float
/// arithmetic: slow and obvious, the oracle of tests. Softmax, if present, is applied.
std::vector<float> run_reference(const Network& network, const Weights& weights,
                                 const std::vector<float>& input);
/// The same, showing every layer's output as it is made.
using LayerObserver = std::function<void(int layer, std::span<const float> output)>;
std::vector<float> run_reference(const Network& network, const Weights& weights,
                                 const std::vector<float>& input, const LayerObserver& observer);

}  // namespace hwnas::ir
