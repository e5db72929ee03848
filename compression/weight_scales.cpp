#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <variant>

#include "compression/quantizer.hpp"

namespace hwnas::compression {

namespace {

/// A channel of zeros has no scale of its own.
constexpr float kSmallestScale = 1e-9F;

std::int8_t rounded(float weight, float scale, const ir::WeightFormatInfo& format) {
  if (format.format == ir::WeightFormat::kBinary) return weight < 0 ? -1 : 1;
  const float q = std::round(weight / scale);
  return static_cast<std::int8_t>(
      std::clamp(q, static_cast<float>(format.lowest), static_cast<float>(format.highest)));
}

double squared_error(std::span<const float> weights, float scale,
                     const ir::WeightFormatInfo& format) {
  double sum = 0;
  for (const float weight : weights) {
    const double error = weight - scale * static_cast<float>(rounded(weight, scale, format));
    sum += error * error;
  }
  return sum;
}

/// The scale of least squared error, of shrunk covering ones.
float least_squares_scale(std::span<const float> weights, const ir::WeightFormatInfo& format,
                          float covering) {
  constexpr int kCandidates = 80;
  float best = covering;
  double least = std::numeric_limits<double>::infinity();
  for (int i = kCandidates; i >= kCandidates / 5; --i) {
    const float scale = covering * static_cast<float>(i) / kCandidates;
    const double error = squared_error(weights, scale, format);
    if (error < least) {
      least = error;
      best = scale;
    }
  }
  return best;
}

float fitted_scale(std::span<const float> weights, const ir::WeightFormatInfo& format) {
  float largest = 0;
  double sum = 0;
  for (const float weight : weights) {
    largest = std::max(largest, std::abs(weight));
    sum += std::abs(weight);
  }
  if (largest == 0) return kSmallestScale;
  if (format.format == ir::WeightFormat::kBinary) {
    // Rastegari et al., "XNOR-Net", 2016, eq. 6.
    return static_cast<float>(sum / static_cast<double>(weights.size()));
  }
  const float covering = largest / static_cast<float>(format.highest);
  if (format.bits == 8) return std::max(covering, kSmallestScale);
  return std::max(least_squares_scale(weights, format, covering), kSmallestScale);
}

}  // namespace

void fit_weight_scales(const ir::Layer& layer, const ir::LayerWeights& weights,
                       ir::LayerScales& scales) {
  const std::vector<float>& values = weights.weight.values;
  const bool whole = std::holds_alternative<ir::Linear>(layer.op);
  const std::size_t count = whole ? 1 : static_cast<std::size_t>(weights.weight.shape.front());
  const std::size_t length = values.size() / count;
  scales.weight.clear();
  for (std::size_t channel = 0; channel < count; ++channel) {
    scales.weight.push_back(
        fitted_scale(std::span(values).subspan(channel * length, length), ir::info(scales.format)));
  }
}

std::vector<std::int8_t> rounded_weights(const ir::LayerWeights& weights,
                                         const ir::LayerScales& scales) {
  const std::vector<float>& values = weights.weight.values;
  const ir::WeightFormatInfo& format = ir::info(scales.format);
  const std::size_t length = values.size() / scales.weight.size();
  std::vector<std::int8_t> result;
  result.reserve(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    result.push_back(rounded(values[i], scales.weight[i / length], format));
  }
  return result;
}

}  // namespace hwnas::compression
