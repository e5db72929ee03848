#pragma once

#include <torch/torch.h>

#include <array>
#include <cstdint>
#include <future>
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
/// until two more were begun.
class BatchLoader {
 public:
  BatchLoader(const data::Dataset& dataset, data::Normalisation normalisation, torch::Device device,
              std::size_t batch_size);

  /// At most batch_size samples, as they are.
  Batch load(std::span<const std::size_t> samples);
  /// Begins to assemble a batch with augmentation, on a thread of its own. `samples` stay until it
  /// is taken.
  void start(std::span<const std::size_t> samples, const Augmentation& augmentation, Rng& rng);
  /// The batch that was started.
  Batch take();

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

  /// Room for the largest batch: batch_size x H x W x C; in pinned memory for a GPU.
  struct Buffer {
    torch::Tensor images;
    torch::Tensor labels;
  };

  std::vector<Change> draw(std::size_t count, const Augmentation& augmentation, Rng& rng) const;
  /// On the CPU.
  Batch assemble(std::span<const std::size_t> samples, const std::vector<Change>& changes,
                 Buffer& buffer) const;
  Buffer& next_buffer();
  Batch on_device(const Batch& batch) const;
  template <typename Value>
  void write_sample(const Value* source, const Change& change, float* destination) const;

  const data::Dataset& dataset_;
  torch::Device device_;
  std::vector<float> scale_;  ///< per channel: x' = scale·x + shift
  std::vector<float> shift_;
  std::array<Buffer, 2> buffers_;
  std::size_t next_ = 0;
  std::future<Batch> started_;  ///< last: its destructor waits for what uses the others
};

}  // namespace hwnas::train
