#include "train/sensitivity.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

#include "core/error.hpp"
#include "core/rng.hpp"
#include "nn/module_torch.hpp"
#include "train/training_loop_torch.hpp"

namespace hwnas::train {
namespace {

using torch::Tensor;

/// Gradients of a network's loss at any weights.
class GradientProbe {
 public:
  GradientProbe(const ir::FoldedNetwork& network, const SensitivityData& data,
                const SensitivityOptions& options)
      : network_(up_to_logits(network)),
        samples_(data.samples),
        module_(network_.network, parse_device(options.device)),
        loader_(*data.dataset, data.normalisation, module_.device(), kEvaluationBatch) {
    module_.eval();
  }

  const ir::Weights& weights() const { return network_.weights; }

  /// Gradient of the mean loss over all samples.
  ir::Weights gradient_at(const ir::Weights& weights) {
    module_.load(weights);
    module_.flat_gradients().zero_();
    for (std::size_t first = 0; first < samples_.size(); first += kEvaluationBatch) {
      backward(samples_.subspan(first, std::min(kEvaluationBatch, samples_.size() - first)),
               1.0 / static_cast<double>(samples_.size()));
    }
    return module_.save_gradients();
  }

  /// Calls body with the gradient of each sample's loss.
  template <typename Body>
  void for_each_sample(const Body& body) {
    module_.load(network_.weights);
    for (std::size_t i = 0; i < samples_.size(); ++i) {
      module_.flat_gradients().zero_();
      backward(samples_.subspan(i, 1), 1);
      body(module_.save_gradients());
    }
  }

 private:
  void backward(std::span<const std::size_t> samples, double weight) {
    const Batch batch = loader_.load(samples);
    const Tensor loss = torch::cross_entropy_loss(module_.forward(batch.images), batch.labels, {},
                                                  at::Reduction::Sum);
    (loss * weight).backward();
  }

  ir::FoldedNetwork network_;
  std::span<const std::size_t> samples_;
  nn::NetworkModule module_;
  BatchLoader loader_;
};

void require_samples(const ir::FoldedNetwork& network, const SensitivityData& data) {
  require_data(network.network, {data.dataset, data.samples, data.samples, data.normalisation});
}

double root_mean_square(const std::vector<float>& values) {
  double sum = 0;
  for (const float value : values) sum += double(value) * value;
  return std::sqrt(sum / static_cast<double>(values.size()));
}

/// A probe of one layer: signs, and how far along them the difference is taken.
struct LayerProbe {
  std::string layer;
  double length = 0;
  std::vector<float> signs;
};

std::vector<LayerProbe> draw_probes(const ir::Weights& weights, double relative_step, Rng& rng) {
  std::vector<LayerProbe> probes;
  for (const auto& [name, arrays] : weights.layers) {
    const double size = root_mean_square(arrays.weight.values);
    LayerProbe probe{name, relative_step * (size > 0 ? size : 1), {}};
    for (std::size_t i = 0; i < arrays.weight.values.size(); ++i) {
      probe.signs.push_back(rng.bernoulli(0.5) ? 1.0F : -1.0F);
    }
    probes.push_back(std::move(probe));
  }
  return probes;
}

ir::Weights moved(ir::Weights weights, const std::vector<LayerProbe>& probes, double direction) {
  for (const LayerProbe& probe : probes) {
    std::vector<float>& values = weights.layers.at(probe.layer).weight.values;
    const auto length = static_cast<float>(direction * probe.length);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] += length * probe.signs[i];
  }
  return weights;
}

/// zᵀHz of one layer from the gradients at both ends of the probe.
double curvature(const LayerProbe& probe, const ir::Weights& ahead, const ir::Weights& behind) {
  const std::vector<float>& plus = ahead.layers.at(probe.layer).weight.values;
  const std::vector<float>& minus = behind.layers.at(probe.layer).weight.values;
  double sum = 0;
  for (std::size_t i = 0; i < plus.size(); ++i) {
    sum += probe.signs[i] * (double(plus[i]) - minus[i]);
  }
  return sum / (2 * probe.length);
}

}  // namespace

std::vector<double> hessian_traces(const ir::FoldedNetwork& network, const SensitivityData& data,
                                   const SensitivityOptions& options, std::uint64_t seed) {
  require_samples(network, data);
  if (options.probes < 1 || !(options.relative_step > 0)) {
    throw invalid_argument("{} probes of relative step {}: give at least one, and a step above 0",
                           options.probes, options.relative_step);
  }
  const TrainingThreads threads(options.threads);
  GradientProbe loss(network, data, options);
  Rng rng(seed);
  std::map<std::string, double> sums;
  for (int i = 0; i < options.probes; ++i) {
    const auto probes = draw_probes(loss.weights(), options.relative_step, rng);
    const ir::Weights ahead = loss.gradient_at(moved(loss.weights(), probes, 1));
    const ir::Weights behind = loss.gradient_at(moved(loss.weights(), probes, -1));
    for (const LayerProbe& probe : probes) sums[probe.layer] += curvature(probe, ahead, behind);
  }
  std::vector<double> traces;
  for (const ir::Layer& layer : network.network.layers) {
    const auto sum = sums.find(layer.name);
    traces.push_back(sum == sums.end() ? 0 : sum->second / options.probes);
  }
  return traces;
}

std::vector<std::vector<double>> fisher_diagonals(const ir::FoldedNetwork& network,
                                                  const SensitivityData& data,
                                                  const SensitivityOptions& options) {
  require_samples(network, data);
  const TrainingThreads threads(options.threads);
  GradientProbe loss(network, data, options);
  const auto& layers = network.network.layers;
  std::vector<std::vector<double>> diagonals(layers.size());
  loss.for_each_sample([&](const ir::Weights& gradients) {
    for (std::size_t i = 0; i < layers.size(); ++i) {
      const auto found = gradients.layers.find(layers[i].name);
      if (found == gradients.layers.end()) continue;
      const std::vector<float>& gradient = found->second.weight.values;
      diagonals[i].resize(gradient.size(), 0.0);
      for (std::size_t w = 0; w < gradient.size(); ++w) {
        diagonals[i][w] += double(gradient[w]) * gradient[w];
      }
    }
  });
  const auto count = static_cast<double>(data.samples.size());
  for (auto& diagonal : diagonals) {
    for (double& value : diagonal) value /= count;
  }
  return diagonals;
}

}  // namespace hwnas::train
