#include <algorithm>
#include <utility>

#include "train/batches_torch.hpp"

namespace hwnas::train {

using torch::Tensor;

BatchLoader::BatchLoader(const data::Dataset& dataset, data::Normalisation normalisation,
                         torch::Device device, std::size_t batch_size)
    : dataset_(dataset), device_(device) {
  const float unit = dataset.is_bytes() ? 1.0F / 255.0F : 1.0F;
  for (int c = 0; c < dataset.shape.channels; ++c) {
    scale_.push_back(unit / normalisation.std_dev[c]);
    shift_.push_back(-normalisation.mean[c] / normalisation.std_dev[c]);
  }
  const bool pinned = device.is_cuda();
  const auto n = static_cast<std::int64_t>(batch_size);
  for (Buffer& buffer : buffers_) {
    buffer.images =
        torch::empty({n, dataset.shape.height, dataset.shape.width, dataset.shape.channels},
                     torch::TensorOptions(torch::kFloat).pinned_memory(pinned));
    buffer.labels = torch::empty({n}, torch::TensorOptions(torch::kLong).pinned_memory(pinned));
  }
}

Batch BatchLoader::load(std::span<const std::size_t> samples) {
  return on_device(assemble(samples, std::vector<Change>(samples.size()), next_buffer()));
}

void BatchLoader::start(std::span<const std::size_t> samples, const Augmentation& augmentation,
                        Rng& rng) {
  started_ = std::async(std::launch::async, [this, samples, &buffer = next_buffer(),
                                             changes = draw(samples.size(), augmentation, rng)] {
    return assemble(samples, changes, buffer);
  });
}

Batch BatchLoader::take() {
  return on_device(started_.get());
}

BatchLoader::Buffer& BatchLoader::next_buffer() {
  return buffers_[next_++ % buffers_.size()];
}

std::vector<BatchLoader::Change> BatchLoader::draw(std::size_t count,
                                                   const Augmentation& augmentation,
                                                   Rng& rng) const {
  const int pad = augmentation.crop_padding;
  const int size = augmentation.erase_size;
  // One row of pixels is a signal: it is shifted along its width only.
  const int pad_y = dataset_.shape.height > 1 ? pad : 0;
  const auto up_to = [&](int bound) { return static_cast<int>(rng.index(std::max(bound, 0) + 1)); };
  std::vector<Change> changes(count);
  for (Change& change : changes) {
    if (pad > 0) {
      change.shift_y = up_to(2 * pad_y) - pad_y;
      change.shift_x = up_to(2 * pad) - pad;
    }
    change.flip = augmentation.flip && rng.bernoulli(0.5);
    if (size > 0) {
      change.erase_size = size;
      change.erase_y = up_to(dataset_.shape.height - size);
      change.erase_x = up_to(dataset_.shape.width - size);
    }
  }
  return changes;
}

template <typename Value>
void BatchLoader::write_sample(const Value* source, const Change& change,
                               float* destination) const {
  const auto [channels, height, width] = dataset_.shape;
  for (int c = 0; c < channels; ++c) {
    const float scale = scale_[c];
    const float shift = shift_[c];
    for (int y = 0; y < height; ++y) {
      float* row = destination + (std::int64_t{y} * width) * channels + c;
      const int from_y = y + change.shift_y;
      // Columns whose source lies inside the image; the others are padded with zero bytes.
      const int first = std::clamp(-change.shift_x, 0, width);
      const int last =
          from_y < 0 || from_y >= height ? first : std::clamp(width - change.shift_x, first, width);
      for (int x = 0; x < first; ++x) row[std::int64_t{x} * channels] = shift;
      for (int x = last; x < width; ++x) row[std::int64_t{x} * channels] = shift;
      if (last == first) continue;
      const Value* from = source + (std::int64_t{c} * height + from_y) * width + change.shift_x;
      for (int x = first; x < last; ++x) {
        row[std::int64_t{x} * channels] = static_cast<float>(from[x]) * scale + shift;
      }
    }
  }
  if (change.flip) {
    for (int y = 0; y < height; ++y) {
      float* row = destination + std::int64_t{y} * width * channels;
      for (int left = 0, right = width - 1; left < right; ++left, --right) {
        std::swap_ranges(row + left * channels, row + (left + 1) * channels,
                         row + right * channels);
      }
    }
  }
  // The mean of the training data is zero after normalisation.
  const int erase_height = std::min(change.erase_size, height);
  const int erase_width = std::min(change.erase_size, width);
  for (int y = 0; y < erase_height; ++y) {
    const std::int64_t pixel = std::int64_t{change.erase_y + y} * width + change.erase_x;
    std::fill_n(destination + pixel * channels, erase_width * channels, 0.0F);
  }
}

Batch BatchLoader::assemble(std::span<const std::size_t> samples,
                            const std::vector<Change>& changes, Buffer& buffer) const {
  const auto count = static_cast<std::int64_t>(samples.size());
  const std::int64_t elements = dataset_.shape.elements();
  auto* images = buffer.images.data_ptr<float>();
  auto* labels = buffer.labels.data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < count; ++i) {
    const auto sample = static_cast<std::int64_t>(samples[i]);
    if (dataset_.is_bytes()) {
      write_sample(dataset_.bytes.data() + sample * elements, changes[i], images + i * elements);
    } else {
      write_sample(dataset_.floats.data() + sample * elements, changes[i], images + i * elements);
    }
    labels[i] = dataset_.labels[sample];
  }
  // N x H x W x C in memory is N x C x H x W in channels-last.
  return {buffer.images.narrow(0, 0, count).permute({0, 3, 1, 2}),
          buffer.labels.narrow(0, 0, count)};
}

Batch BatchLoader::on_device(const Batch& batch) const {
  if (device_.is_cpu()) return batch;
  // Blocking copies: the buffers will be written again.
  return {batch.images.to(device_), batch.labels.to(device_)};
}

}  // namespace hwnas::train
