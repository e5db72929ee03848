#pragma once

#include <torch/torch.h>

#include "nn/module_torch.hpp"
#include "train/trainer.hpp"

namespace hwnas::train {

/// Learning rate at a step: linear from 0 over the warm-up, then half a cosine down to 0 at the
/// last step (Loshchilov and Hutter, "SGDR", 2017, equation 5, one period).
double learning_rate_at(const TrainOptions& options, std::int64_t step,
                        std::int64_t steps_per_epoch);

/// SGD with Nesterov momentum, or AdamW (Loshchilov and Hutter, "Decoupled Weight Decay
/// Regularization", 2019, algorithm 2), over flat vectors. Weight decay where the mask is 1.
class FlatOptimizer {
 public:
  FlatOptimizer(nn::NetworkModule& module, const TrainOptions& options)
      : FlatOptimizer(module.flat_parameters(), module.flat_gradients(), module.decay_mask(),
                      options) {}
  /// All three of one length; the tensors are changed in place.
  FlatOptimizer(torch::Tensor parameters, torch::Tensor gradients, const torch::Tensor& decay_mask,
                const TrainOptions& options);
  /// Applies the accumulated gradients and zeroes them.
  void step(double learning_rate);

  /// What it remembers of past steps: 1-D tensors, empty where the optimizer has none.
  struct State {
    torch::Tensor momentum;
    torch::Tensor second;
    std::int64_t steps = 0;
  };
  State state() const { return {momentum_, second_, steps_}; }
  /// Goes on as the optimizer whose state it was.
  void restore(const State& state);

 private:
  void sgd(double learning_rate);
  void adamw(double learning_rate);

  torch::Tensor parameters_;
  torch::Tensor gradients_;
  torch::Tensor decay_;     ///< weight decay of each parameter
  torch::Tensor momentum_;  ///< first moment
  torch::Tensor second_;    ///< second moment (AdamW)
  TrainOptions options_;
  std::int64_t steps_ = 0;
};

}  // namespace hwnas::train
