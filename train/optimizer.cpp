#include <cmath>
#include <numbers>
#include <utility>

#include "train/optimizer_torch.hpp"

namespace hwnas::train {
namespace {

constexpr double kBeta1 = 0.9;  // AdamW's defaults (Kingma and Ba, "Adam", 2015)
constexpr double kBeta2 = 0.999;
constexpr double kEpsilon = 1e-8;

}  // namespace

double learning_rate_at(const TrainOptions& options, std::int64_t step,
                        std::int64_t steps_per_epoch) {
  const double position = (double(step) + 1) / double(steps_per_epoch);
  if (position <= options.warmup_epochs) {
    return options.learning_rate * position / options.warmup_epochs;
  }
  const double progress =
      (position - options.warmup_epochs) / (options.epochs - options.warmup_epochs);
  return options.learning_rate * 0.5 * (1 + std::cos(std::numbers::pi * std::min(progress, 1.0)));
}

FlatOptimizer::FlatOptimizer(torch::Tensor parameters, torch::Tensor gradients,
                             const torch::Tensor& decay_mask, const TrainOptions& options)
    : parameters_(std::move(parameters)),
      gradients_(std::move(gradients)),
      decay_(decay_mask * options.weight_decay),
      momentum_(torch::zeros_like(parameters_)),
      options_(options) {
  if (options.optimizer == Optimizer::kAdamW) second_ = torch::zeros_like(parameters_);
}

void FlatOptimizer::step(double learning_rate) {
  const torch::NoGradGuard no_grad;
  ++steps_;
  options_.optimizer == Optimizer::kSgd ? sgd(learning_rate) : adamw(learning_rate);
  gradients_.zero_();
}

void FlatOptimizer::restore(const State& state) {
  momentum_.copy_(state.momentum);
  if (second_.defined()) second_.copy_(state.second);
  steps_ = state.steps;
}

void FlatOptimizer::sgd(double learning_rate) {
  gradients_.addcmul_(decay_, parameters_);
  momentum_.mul_(options_.momentum).add_(gradients_);
  gradients_.add_(momentum_, options_.momentum);  // Nesterov
  parameters_.add_(gradients_, -learning_rate);
}

void FlatOptimizer::adamw(double learning_rate) {
  parameters_.addcmul_(decay_, parameters_, -learning_rate);
  momentum_.mul_(kBeta1).add_(gradients_, 1 - kBeta1);
  second_.mul_(kBeta2).addcmul_(gradients_, gradients_, 1 - kBeta2);
  const auto n = static_cast<double>(steps_);
  const torch::Tensor denominator = (second_ / (1 - std::pow(kBeta2, n))).sqrt_().add_(kEpsilon);
  parameters_.addcdiv_(momentum_, denominator, -learning_rate / (1 - std::pow(kBeta1, n)));
}

}  // namespace hwnas::train
