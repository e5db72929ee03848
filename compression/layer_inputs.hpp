#pragma once

#include <map>
#include <string>
#include <vector>

#include "compression/quantizer.hpp"

#include <Eigen/Core>

namespace hwnas::compression {

/// What a convolution or linear layer reads, over all samples and output pixels: x is the vector
/// under the window, in/groups · kernel height · kernel width values in the order of the weights.
struct InputMoments {
  std::vector<Eigen::VectorXf> mean;  ///< E[x], one a group
  std::vector<Eigen::MatrixXf> gram;  ///< E[x·xᵀ], one a group
};

/// Of every layer with weights, by name; in the float network. Layers with longer vectors than
/// `longest` have no Gram matrices, which would not fit in memory.
std::map<std::string, InputMoments> input_moments(const ir::FoldedNetwork& network,
                                                  const Samples& samples, int longest = 2048);

}  // namespace hwnas::compression
