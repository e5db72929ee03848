#include "engine/untrained_model.hpp"

#include "compression/quantizer.hpp"
#include "core/rng.hpp"
#include "ir/initial_weights.hpp"

namespace hwnas::engine {
namespace {

// Ranges need not be good, only there.
constexpr std::size_t kCalibrationSamples = 2;

std::vector<float> random_input(std::int64_t elements, std::uint64_t seed) {
  Rng rng(seed);
  std::vector<float> input(static_cast<std::size_t>(elements));
  for (float& value : input) value = static_cast<float>(rng.uniform());
  return input;
}

}  // namespace

exporters::Model untrained_model(std::string name, const ir::Network& network, std::uint64_t seed) {
  const auto channels = static_cast<std::size_t>(network.input.channels);
  exporters::Model model{
      .name = std::move(name),
      .network = network,
      .weights = ir::initial_weights(network, seed),
      .normalisation = {std::vector<float>(channels, 0), std::vector<float>(channels, 1)},
      .class_names = {}};
  for (int i = 0; i < ir::infer_shapes(network).back().channels; ++i) {
    model.class_names.push_back(std::to_string(i));
  }
  const ir::FoldedNetwork low = compression::lowered(network, model.weights);
  const ir::NetworkScales plan = compression::plan_scales(low.network, {});
  const compression::Samples samples{.count = kCalibrationSamples, .at = [&](std::size_t i) {
                                       return random_input(network.input.elements(),
                                                           derive_seed(seed, {i}));
                                     }};
  model.quantized = compression::quantized(
      low, compression::calibrated(low, plan, compression::observe(low, plan, samples), "min_max"));
  return model;
}

}  // namespace hwnas::engine
