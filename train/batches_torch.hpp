#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <span>
#include <vector>

#include "core/rng.hpp"
#include "data/dataset.hpp"
#include "train/trainer.hpp"

namespace hwnas::train {

/// One batch on the training's device: images N x C x H x W (channels-last), labels N.
struct Batch {
  torch::Tensor images;
  torch::Tensor labels;
};

/// Gathers, augments and normalises samples in one pass over the bytes. The random changes of a
/// whole batch are drawn first, from the caller's generator. Reuses its buffers: a batch is valid
/// until the next call.
class BatchLoader {
 public:
  BatchLoader(const data::Dataset& dataset, data::Normalisation normalisation, torch::Device device,
              std::size_t batch_size);

  /// At most batch_size samples, as they are.
  Batch load(std::span<const std::size_t> samples);
  /// With augmentation.
  Batch load(std::span<const std::size_t> samples, const Augmentation& augmentation, Rng& rng);

 private:
  /// How one sample is changed: shift in pixels, mirrored or not, and the corner of the erased
  /// square.
  struct Change {
    int shift_y = 0;
    int shift_x = 0;
    bool flip = false;
    int erase_y = 0;
    int erase_x = 0;
    int erase_size = 0;
  };

  Batch assemble(std::span<const std::size_t> samples, const std::vector<Change>& changes);
  template <typename Value>
  void write_sample(const Value* source, const Change& change, float* destination) const;

  const data::Dataset& dataset_;
  torch::Device device_;
  std::vector<float> scale_;  ///< per channel: x' = scale·x + shift
  std::vector<float> shift_;
  torch::Tensor images_;  ///< batch_size x H x W x C, in pinned memory for a GPU
  torch::Tensor labels_;
};

}  // namespace hwnas::train
