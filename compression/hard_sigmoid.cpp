#include "compression/hard_sigmoid.hpp"

#include <cmath>

#include "core/error.hpp"

namespace hwnas::compression {

ir::QuantizedLayer hard_sigmoid_convolution(const ir::QuantizedLayer& layer,
                                            const ir::Quantization& input, int channels) {
  constexpr std::int8_t kWeight = 127;
  constexpr float kWeightScale = 1.0F / (6 * kWeight);
  const double bias = std::round(0.5 / (static_cast<double>(input.scale) * kWeightScale));
  if (bias > 0x1p30) {
    throw invalid_argument("layer '{}' (hard_sigmoid): its input's scale of {} is too small",
                           layer.name, input.scale);
  }
  const auto count = static_cast<std::size_t>(channels);
  const ir::Conv2d conv{.out_channels = channels, .window = {}, .groups = channels, .bias = true};
  return {.name = layer.name,
          .op = conv,
          .inputs = layer.inputs,
          .output = layer.output,
          .weight = std::vector<std::int8_t>(count, kWeight),
          .weight_scales = {kWeightScale},
          .bias = std::vector<std::int64_t>(count, static_cast<std::int64_t>(bias))};
}

}  // namespace hwnas::compression
