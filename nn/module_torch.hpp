#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ir/network.hpp"
#include "ir/weights.hpp"
#include "nn/batch_norm_act_torch.hpp"

namespace hwnas::nn {

/// Stands in for parts of a network's layers, by layer index; all must be differentiable. Where a
/// function is empty, nothing changes.
struct LayerHooks {
  std::function<torch::Tensor(const torch::Tensor& batch)> input;
  /// Of convolution and linear layers, before use.
  std::function<torch::Tensor(int layer, const torch::Tensor& weight)> weight;
  /// In the place of an Activation layer's function.
  std::function<torch::Tensor(int layer, ir::ActivationKind kind, const torch::Tensor& x)>
      activation;
  /// What every layer but an Activation gives.
  std::function<torch::Tensor(int layer, const torch::Tensor& y)> output;
};

/// A Network as a LibTorch module. Activations and weights are channels-last; batch norm, the
/// activation after it and the residual addition around it run as one step (batch_norm_act). All
/// trainable parameters are views into one flat tensor, and so are their gradients: an optimiser's
/// step is a few operations on two vectors whatever the number of layers.
///
/// Not thread-safe; different modules may be used at the same time.
class NetworkModule : public torch::nn::Module {
 public:
  /// Throws InvalidArgument if the network does not verify. Parameters are zero until load().
  NetworkModule(const ir::Network& network, torch::Device device);

  /// Logits (N x classes, float32) of a batch N x C x H x W. Softmax layers are applied as they
  /// stand. Activations have the batch's type, float32 or bfloat16.
  torch::Tensor forward(const torch::Tensor& batch);

  /// Changes what forward() computes from now on. Where a batch norm, an activation and a sum run
  /// as one step, only the last of them is seen by `output`.
  void set_hooks(LayerHooks hooks) { hooks_ = std::move(hooks); }

  /// Makes running means and variances those of these batches: their averages over the batches, as
  /// each is seen in training. For weights that were trained as part of other networks (Guo et al.,
  /// "Single Path One-Shot Neural Architecture Search", 2020, section 3.4).
  void recalibrate_batch_norms(const std::vector<torch::Tensor>& batches);

  /// Copies weights in and out; load throws InvalidArgument if they do not fit the network.
  void load(const ir::Weights& weights);
  ir::Weights save() const;
  /// Gradients of weights and biases in the same form.
  ir::Weights save_gradients() const;

  /// All trainable parameters and their gradients, 1-D, of equal length. Gradients accumulate: zero
  /// them before each backward pass.
  torch::Tensor& flat_parameters() { return flat_parameters_; }
  torch::Tensor& flat_gradients() { return flat_gradients_; }
  /// 1 where weight decay applies (convolution and linear weights), else 0.
  const torch::Tensor& decay_mask() const { return decay_mask_; }

  torch::Device device() const { return device_; }

 private:
  struct Parameters {
    torch::Tensor weight;
    torch::Tensor bias;
    torch::Tensor running_mean;
    torch::Tensor running_var;
  };
  /// One layer, or a batch norm with what is fused into it.
  struct Step {
    int layer = 0;
    std::vector<int> inputs;
    int output = 0;  ///< the last of the fused layers
    FusedActivation activation = FusedActivation::kNone;
    std::optional<int> residual = std::nullopt;
    std::vector<int> last_uses = {};  ///< values that nothing reads after this step
    bool owns_input = false;          ///< the first input is one of them, and no view of another
  };

  void allocate_parameters();
  void plan_steps();
  void note_last_uses();
  torch::Tensor run(const Step& step, const std::vector<torch::Tensor>& values,
                    const torch::Tensor& batch);

  ir::Network network_;
  std::vector<ir::Shape> shapes_;
  torch::Device device_;
  torch::Tensor flat_parameters_;
  torch::Tensor flat_gradients_;
  torch::Tensor decay_mask_;
  std::vector<Parameters> parameters_;  ///< one a layer; undefined tensors where it has none
  std::vector<Step> steps_;
  LayerHooks hooks_;
};

}  // namespace hwnas::nn
