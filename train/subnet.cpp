#include "train/subnet_torch.hpp"

namespace hwnas::train {
namespace {

using torch::Tensor;

/// Rows x positions x columns of a kernel, over the network's own parameters.
Tensor cut(const Tensor& flat, const nn::SharedParameters::Kernel& kernel) {
  return flat.narrow(0, kernel.first, kernel.rows * kernel.positions * kernel.columns)
      .view({kernel.rows, kernel.positions, kernel.columns});
}

Tensor matrix_of(const Tensor& shared, const nn::SharedParameters::Kernel& kernel) {
  return shared.narrow(0, kernel.matrix, kernel.positions * kernel.positions)
      .view({kernel.positions, kernel.positions});
}

}  // namespace

Subnet::Subnet(const ir::Network& network, const nn::SharedParameters& shared, torch::Device device)
    : module_(network, device) {
  nn::SharedParameters::Selection selection = shared.select(network);
  places_ = torch::tensor(selection.places, torch::kLong).to(device);
  kernels_ = std::move(selection.kernels);
}

void Subnet::take_from(const Tensor& values) {
  const torch::NoGradGuard no_grad;
  Tensor& own = module_.flat_parameters();
  at::index_select_out(own, values, 0, places_);
  for (const auto& kernel : kernels_) {
    Tensor weight = cut(own, kernel);
    weight.copy_(torch::matmul(matrix_of(values, kernel), weight));
  }
}

void Subnet::add_gradients_to(Tensor& gradients, const Tensor& values) {
  const torch::NoGradGuard no_grad;
  Tensor& own = module_.flat_gradients();
  for (const auto& kernel : kernels_) {
    Tensor gradient = cut(own, kernel);
    const Tensor before =
        cut(values.index_select(0, places_.narrow(0, kernel.first, gradient.numel())),
            {.first = 0,
             .rows = kernel.rows,
             .positions = kernel.positions,
             .columns = kernel.columns});
    matrix_of(gradients, kernel) += torch::matmul(gradient, before.transpose(1, 2)).sum(0);
    gradient.copy_(torch::matmul(matrix_of(values, kernel).t(), gradient));
  }
  gradients.index_add_(0, places_, own);
  own.zero_();
}

}  // namespace hwnas::train
