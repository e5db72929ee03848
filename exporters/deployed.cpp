#include "exporters/deployed.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"

namespace hwnas::exporters {

namespace {

bool all_finite(const std::vector<float>& values) {
  return std::ranges::all_of(values, [](float value) { return std::isfinite(value); });
}

void require_finite(const ir::Weights& weights) {
  for (const auto& [layer, arrays] : weights.layers) {
    for (const ir::Array* const array :
         {&arrays.weight, &arrays.bias, &arrays.running_mean, &arrays.running_var}) {
      if (!all_finite(array->values)) {
        throw invalid_argument("weights of layer '{}' are not finite: the training diverged",
                               layer);
      }
    }
  }
}

void require_fitting(const data::Normalisation& normalisation, const ir::Shape& input) {
  const auto& [mean, std_dev] = normalisation;
  if (mean.empty() && std_dev.empty()) return;
  const auto channels = static_cast<std::size_t>(input.channels);
  if (mean.size() != channels || std_dev.size() != channels) {
    throw invalid_argument("normalisation has {} means and {} deviations for {} input channels",
                           mean.size(), std_dev.size(), channels);
  }
  if (!all_finite(mean) || !all_finite(std_dev) ||
      std::ranges::any_of(std_dev, [](float value) { return value <= 0; })) {
    throw invalid_argument("normalisation must be finite with deviations over 0");
  }
}

}  // namespace

void require_deployable(const Model& model) {
  ir::verify(model.network, model.weights);
  require_finite(model.weights);
  require_fitting(model.normalisation, model.network.input);
}

ir::FoldedNetwork deployed(const Model& model) {
  require_deployable(model);
  // Dead layers go first: with a zero term gone, a batch norm may follow its convolution directly.
  const ir::Network live = ir::remove_dead_layers(model.network);
  ir::Weights weights;
  for (const ir::Layer& layer : live.layers) {
    const auto found = model.weights.layers.find(layer.name);
    if (found != model.weights.layers.end()) weights.layers.insert(*found);
  }
  return ir::fold_batch_norm(live, weights);
}

std::vector<float> normalised(const data::Normalisation& normalisation, const ir::Shape& shape,
                              std::vector<float> input) {
  if (normalisation.mean.empty()) return input;
  const std::size_t pixels = static_cast<std::size_t>(shape.height) * shape.width;
  for (std::size_t i = 0; i < input.size(); ++i) {
    const std::size_t channel = i / pixels;
    input[i] = (input[i] - normalisation.mean[channel]) / normalisation.std_dev[channel];
  }
  return input;
}

}  // namespace hwnas::exporters
