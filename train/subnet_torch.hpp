#pragma once

#include <torch/torch.h>

#include <vector>

#include "nn/module_torch.hpp"
#include "nn/shared_parameters.hpp"

namespace hwnas::train {

/// A network that computes with parameters shared with others. They are copied out and gradients
/// are added back, so that it runs as any other network does: as fast, and with the same result as
/// when it is cut out. Not thread-safe.
class Subnet {
 public:
  /// Throws InvalidArgument if the network is none of those that `shared` covers.
  Subnet(const ir::Network& network, const nn::SharedParameters& shared, torch::Device device);

  nn::NetworkModule& module() { return module_; }
  const nn::NetworkModule& module() const { return module_; }

  /// `values`: of all shared parameters, 1-D.
  void take_from(const torch::Tensor& values);
  /// Adds the gradients of its parameters to those of the shared ones, and zeroes its own.
  void add_gradients_to(torch::Tensor& gradients, const torch::Tensor& values);

 private:
  nn::NetworkModule module_;
  torch::Tensor places_;
  std::vector<nn::SharedParameters::Kernel> kernels_;
};

}  // namespace hwnas::train
