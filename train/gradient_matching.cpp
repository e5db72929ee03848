#include "train/gradient_matching_torch.hpp"

namespace hwnas::train {
namespace {

using torch::Tensor;

double mean_over_pairs(const std::vector<SharedGradient>& gradients) {
  double sum = 0;
  int pairs = 0;
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    for (std::size_t k = 0; k < i; ++k, ++pairs) {
      sum += cosine_similarity(gradients[i], gradients[k]);
    }
  }
  return sum / pairs;
}

}  // namespace

void mark(const nn::SharedParameters::Selection& selection, Tensor& present) {
  present.index_fill_(0, torch::tensor(selection.places, torch::kLong).to(present.device()), 1);
  for (const auto& kernel : selection.kernels) {
    present.narrow(0, kernel.matrix, kernel.positions * kernel.positions).fill_(1);
  }
}

double cosine_similarity(const SharedGradient& a, const SharedGradient& b) {
  // In double: a sum of a million floats loses digits that small angles need.
  const Tensor x = (a.values * b.present).to(torch::kDouble);
  const Tensor y = (b.values * a.present).to(torch::kDouble);
  const double lengths = (x.norm() * y.norm()).item<double>();
  return lengths == 0 ? 1 : torch::dot(x, y).item<double>() / lengths;
}

std::vector<double> match_gradients(
    const spaces::DecisionSpace& space, std::size_t draws, Rng& rng,
    const std::function<SharedGradient(const spaces::Genotype&, std::size_t)>& gradient_of,
    const std::stop_token& stop) {
  std::vector<double> similarities;
  for (std::size_t i = 0; i < space.decisions().size(); ++i) {
    const std::size_t options = space.decisions()[i].options.size();
    double& similarity = similarities.emplace_back(options == 1 ? 1 : 0);
    for (std::size_t draw = 0; draw < draws && options > 1; ++draw) {
      if (stop.stop_requested()) return {};
      spaces::Genotype genotype = spaces::sample(space, rng);
      std::vector<SharedGradient> gradients;
      for (std::size_t option = 0; option < options; ++option) {
        genotype.choices[i] = static_cast<std::uint16_t>(option);
        gradients.push_back(gradient_of(genotype, draw));
      }
      similarity += mean_over_pairs(gradients) / static_cast<double>(draws);
    }
  }
  return similarities;
}

}  // namespace hwnas::train
