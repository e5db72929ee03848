#include <array>
#include <cassert>
#include <cmath>

#include "data/dataset.hpp"

namespace hwnas::data {
namespace {

struct Moments {
  double mean = 0;
  double variance = 0;
};

/// The elements of one channel of one sample.
template <typename Element>
std::span<const Element> plane(const std::vector<Element>& values, const ir::Shape& shape,
                               std::size_t sample, int channel) {
  const auto size = static_cast<std::size_t>(shape.height) * static_cast<std::size_t>(shape.width);
  const auto channels = static_cast<std::size_t>(shape.channels);
  const std::size_t index = sample * channels + static_cast<std::size_t>(channel);
  return std::span(values).subspan(index * size, size);
}

/// Bytes are counted by value, which is exact and takes one pass.
Moments moments_of_bytes(const Dataset& dataset, std::span<const std::size_t> samples,
                         int channel) {
  std::array<std::uint64_t, 256> counts{};
  for (const std::size_t sample : samples) {
    for (const std::uint8_t value : plane(dataset.bytes, dataset.shape, sample, channel)) {
      ++counts[value];
    }
  }
  double total = 0;
  Moments moments;
  for (std::size_t value = 0; value < counts.size(); ++value) {
    total += static_cast<double>(counts[value]);
    moments.mean += static_cast<double>(counts[value] * value) / 255;
  }
  moments.mean /= total;
  for (std::size_t value = 0; value < counts.size(); ++value) {
    const double deviation = static_cast<double>(value) / 255 - moments.mean;
    moments.variance += static_cast<double>(counts[value]) * deviation * deviation / total;
  }
  return moments;
}

// Two passes: the sum of squares less the square of the sum loses a small variance beside a large
// mean, as accelerometers with gravity have it.
Moments moments_of_floats(const Dataset& dataset, std::span<const std::size_t> samples,
                          int channel) {
  const auto mean_of = [&](auto&& transform) {
    double sum = 0;
    double count = 0;
    for (const std::size_t sample : samples) {
      const auto values = plane(dataset.floats, dataset.shape, sample, channel);
      for (const float value : values) sum += transform(static_cast<double>(value));
      count += static_cast<double>(values.size());
    }
    return sum / count;
  };
  const double mean = mean_of([](double value) { return value; });
  return {mean, mean_of([&](double value) { return (value - mean) * (value - mean); })};
}

}  // namespace

Normalisation measure_normalisation(const Dataset& dataset, std::span<const std::size_t> samples) {
  assert(!samples.empty());
  Normalisation normalisation;
  for (int channel = 0; channel < dataset.shape.channels; ++channel) {
    const Moments moments = dataset.is_bytes() ? moments_of_bytes(dataset, samples, channel)
                                               : moments_of_floats(dataset, samples, channel);
    // Rounding leaves a constant channel a deviation of about 1e-16 of its mean.
    const double deviation = std::sqrt(moments.variance);
    const bool constant = deviation <= 1e-9 * std::abs(moments.mean);
    normalisation.mean.push_back(static_cast<float>(moments.mean));
    normalisation.std_dev.push_back(constant ? 1.0f : static_cast<float>(deviation));
  }
  return normalisation;
}

}  // namespace hwnas::data
