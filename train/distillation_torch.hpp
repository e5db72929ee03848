#pragma once

#include <torch/torch.h>

namespace hwnas::train {

/// T²·KL(teacher ‖ student) of outputs softened by the temperature T, averaged over the samples
/// (Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network", 2015, section 2).
/// Logits, N x classes; differentiable in the student's.
torch::Tensor distillation_loss(const torch::Tensor& student, const torch::Tensor& teacher,
                                double temperature);

}  // namespace hwnas::train
