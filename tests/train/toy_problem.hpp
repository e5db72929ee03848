#pragma once

#include <numeric>

#include "core/rng.hpp"
#include "tests/ir/network_zoo.hpp"
#include "train/trainer.hpp"

/// A problem that a tiny network learns in a second: which of four quadrants of a noisy 8x8 image
/// is bright.
namespace hwnas::train::toy {

inline data::Dataset quadrants(std::size_t count, std::uint64_t seed) {
  data::Dataset dataset;
  dataset.shape = {1, 8, 8};
  dataset.class_names = {"top left", "top right", "bottom left", "bottom right"};
  Rng rng(seed);
  for (std::size_t i = 0; i < count; ++i) {
    const auto label = static_cast<std::int64_t>(i % 4);
    dataset.labels.push_back(label);
    for (int y = 0; y < 8; ++y) {
      for (int x = 0; x < 8; ++x) {
        const bool bright = (y >= 4) == (label >= 2) && (x >= 4) == (label % 2 == 1);
        dataset.bytes.push_back(static_cast<std::uint8_t>(rng.index(120) + (bright ? 100 : 0)));
      }
    }
  }
  return dataset;
}

inline ir::Network small_network() {
  ir::zoo::Builder builder({1, 8, 8});
  builder.conv_block(ir::zoo::conv(8, ir::zoo::square(3, 2)), ir::ActivationKind::kRelu6);
  builder.conv_block(ir::zoo::conv(8, ir::zoo::square(3), 8), ir::ActivationKind::kRelu6);
  builder.add(ir::Flatten{});
  builder.add(ir::Linear{4});
  return builder.take();
}

/// The data set with its indices split into the first three quarters and the rest.
struct Problem {
  data::Dataset dataset = quadrants(800, 1);
  std::vector<std::size_t> indices = [] {
    std::vector<std::size_t> all(800);
    std::iota(all.begin(), all.end(), 0);
    return all;
  }();
  TrainData data{&dataset, std::span(indices).first(600), std::span(indices).last(200),
                 data::measure_normalisation(dataset, indices)};
};

inline TrainOptions quick_options() {
  return {.epochs = 4, .batch_size = 50, .learning_rate = 0.1, .warmup_epochs = 0.5};
}

}  // namespace hwnas::train::toy
