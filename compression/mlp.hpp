#pragma once

#include <vector>

#include <Eigen/Core>

#include "core/rng.hpp"

namespace hwnas::compression {

/// A perceptron: linear layers with relu between them, and a sigmoid at the end if asked for.
/// Samples are columns.
class Mlp {
 public:
  enum class Output { kLinear, kSigmoid };

  /// Uniform in ±1/√inputs, as PyTorch's nn.Linear; `widths` from input to output.
  Mlp(const std::vector<int>& widths, Output output, Rng& rng);

  /// Remembers what backward needs.
  Eigen::MatrixXf forward(const Eigen::MatrixXf& input);
  /// From the loss's gradient by the last forward's output to that by its input; keeps those by the
  /// parameters for the next step.
  Eigen::MatrixXf backward(const Eigen::MatrixXf& output_gradient);
  /// One step of Adam (Kingma and Ba 2015, algorithm 1; β 0.9 and 0.999).
  void step(float learning_rate);
  /// parameters ← (1 − rate)·parameters + rate·other's.
  void follow(const Mlp& other, float rate);

 private:
  struct Parameter {
    Eigen::MatrixXf value;
    Eigen::MatrixXf gradient;
    Eigen::MatrixXf mean;
    Eigen::MatrixXf square;
  };
  struct Layer {
    Parameter weight;
    Parameter bias;
    Eigen::MatrixXf input;
    Eigen::MatrixXf output;
  };

  std::vector<Layer> layers_;
  Output output_;
  int steps_ = 0;
};

}  // namespace hwnas::compression
