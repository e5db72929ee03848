#pragma once

#include <algorithm>

#include "compression/quantizer.hpp"
#include "exporters/deployed.hpp"
#include "exporters/exporter.hpp"
#include "tests/ir/network_zoo.hpp"

namespace hwnas::exporters {

/// A zoo network with random weights and a normalisation far from the identity.
inline Model zoo_model(const ir::zoo::ZooNetwork& entry) {
  const int channels = entry.network.input.channels;
  Model model{.name = entry.name,
              .network = entry.network,
              .weights = ir::zoo::random_weights(entry.network, 17),
              .normalisation = {},
              .class_names = {}};
  for (int c = 0; c < channels; ++c) {
    model.normalisation.mean.push_back(0.25F + 0.1F * static_cast<float>(c));
    model.normalisation.std_dev.push_back(0.3F + 0.05F * static_cast<float>(c));
  }
  for (int c = 0; c < ir::infer_shapes(entry.network).back().channels; ++c) {
    model.class_names.push_back("class " + std::to_string(c));
  }
  return model;
}

/// Whether the network can be computed in integers.
inline bool is_quantizable(const ir::Network& network) {
  const ir::Network live = ir::remove_dead_layers(network);
  return std::ranges::none_of(live.layers, [](const ir::Layer& layer) {
    return std::holds_alternative<ir::Zero>(layer.op);
  });
}

/// The same with `quantized`, calibrated on random inputs.
inline Model quantized_zoo_model(const ir::zoo::ZooNetwork& entry,
                                 const compression::BitWidths& widths = {}) {
  Model model = zoo_model(entry);
  // Of these weights no layer is dead, so that every tensor has a range.
  model.weights = ir::zoo::random_weights(entry.network, 3);
  const ir::FoldedNetwork low = compression::lowered(model.network, model.weights);
  const compression::Samples samples{.count = 20, .at = [&](std::size_t index) {
                                       return normalised(
                                           model.normalisation, model.network.input,
                                           ir::zoo::random_input(model.network, 1000 + index));
                                     }};
  const ir::NetworkScales plan = compression::plan_scales(low.network, widths);
  const auto observed = compression::observe(low, plan, samples);
  model.quantized =
      compression::quantized(low, compression::calibrated(low, plan, observed, "min_max"));
  return model;
}

inline std::vector<std::vector<float>> probes(const Model& model, int count) {
  std::vector<std::vector<float>> result;
  for (int i = 0; i < count; ++i) {
    result.push_back(ir::zoo::random_input(model.network, 100 + static_cast<std::uint64_t>(i)));
  }
  return result;
}

}  // namespace hwnas::exporters
