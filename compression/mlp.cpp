#include "compression/mlp.hpp"

#include <cmath>

namespace hwnas::compression {

namespace {

Eigen::MatrixXf uniform(int rows, int columns, float bound, Rng& rng) {
  Eigen::MatrixXf result(rows, columns);
  for (int column = 0; column < columns; ++column) {
    for (int row = 0; row < rows; ++row) {
      result(row, column) = bound * (2 * static_cast<float>(rng.uniform()) - 1);
    }
  }
  return result;
}

}  // namespace

Mlp::Mlp(const std::vector<int>& widths, Output output, Rng& rng) : output_(output) {
  for (std::size_t i = 0; i + 1 < widths.size(); ++i) {
    const float bound = 1 / std::sqrt(static_cast<float>(widths[i]));
    Layer& layer = layers_.emplace_back();
    layer.weight.value = uniform(widths[i + 1], widths[i], bound, rng);
    layer.bias.value = uniform(widths[i + 1], 1, bound, rng);
    for (Parameter* const parameter : {&layer.weight, &layer.bias}) {
      parameter->gradient.setZero(parameter->value.rows(), parameter->value.cols());
      parameter->mean = parameter->square = parameter->gradient;
    }
  }
}

Eigen::MatrixXf Mlp::forward(const Eigen::MatrixXf& input) {
  Eigen::MatrixXf values = input;
  for (Layer& layer : layers_) {
    layer.input = values;
    values.noalias() = layer.weight.value * layer.input;
    values.colwise() += layer.bias.value.col(0);
    if (&layer != &layers_.back()) {
      values = values.cwiseMax(0.0F);
    } else if (output_ == Output::kSigmoid) {
      values = (1 + (-values.array()).exp()).inverse();
    }
    layer.output = values;
  }
  return values;
}

Eigen::MatrixXf Mlp::backward(const Eigen::MatrixXf& output_gradient) {
  Eigen::MatrixXf gradient = output_gradient;
  for (std::size_t i = layers_.size(); i-- > 0;) {
    Layer& layer = layers_[i];
    const auto output = layer.output.array();
    if (i + 1 < layers_.size()) {
      gradient = gradient.array() * (output > 0).cast<float>();
    } else if (output_ == Output::kSigmoid) {
      gradient = gradient.array() * output * (1 - output);
    }
    layer.weight.gradient.noalias() = gradient * layer.input.transpose();
    layer.bias.gradient = gradient.rowwise().sum();
    gradient = layer.weight.value.transpose() * gradient;
  }
  return gradient;
}

void Mlp::step(float learning_rate) {
  constexpr float kBeta1 = 0.9F;
  constexpr float kBeta2 = 0.999F;
  constexpr float kEpsilon = 1e-8F;
  ++steps_;
  const auto steps = static_cast<float>(steps_);
  const float rate =
      learning_rate * std::sqrt(1 - std::pow(kBeta2, steps)) / (1 - std::pow(kBeta1, steps));
  for (Layer& layer : layers_) {
    for (Parameter* const p : {&layer.weight, &layer.bias}) {
      p->mean = kBeta1 * p->mean + (1 - kBeta1) * p->gradient;
      p->square = kBeta2 * p->square + (1 - kBeta2) * p->gradient.cwiseAbs2();
      p->value.array() -= rate * p->mean.array() / (p->square.array().sqrt() + kEpsilon);
    }
  }
}

void Mlp::follow(const Mlp& other, float rate) {
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    Layer& mine = layers_[i];
    const Layer& theirs = other.layers_[i];
    mine.weight.value += rate * (theirs.weight.value - mine.weight.value);
    mine.bias.value += rate * (theirs.bias.value - mine.bias.value);
  }
}

}  // namespace hwnas::compression
