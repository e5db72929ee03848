#include "train/distillation_torch.hpp"

namespace hwnas::train {

torch::Tensor distillation_loss(const torch::Tensor& student, const torch::Tensor& teacher,
                                double temperature) {
  const torch::Tensor target = torch::log_softmax(teacher.detach() / temperature, 1);
  const torch::Tensor softened = torch::log_softmax(student / temperature, 1);
  return temperature * temperature / static_cast<double>(student.size(0)) *
         torch::kl_div(softened, target, at::Reduction::Sum, /*log_target=*/true);
}

}  // namespace hwnas::train
