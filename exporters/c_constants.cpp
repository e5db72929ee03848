#include "exporters/c_constants.hpp"

#include <fmt/format.h>

#include "exporters/c_kernels.hpp"

namespace hwnas::exporters {

namespace {

constexpr std::size_t kColumns = 100;

template <typename T>
std::string array(std::string_view type, const std::string& name, std::span<const T> values) {
  std::string text = fmt::format("static const {} {}[{}] = {{\n", type, name, values.size());
  std::string line = "   ";
  for (const T value : values) {
    const std::string item = fmt::format(" {},", value);
    if (line.size() + item.size() > kColumns) {
      text += line + "\n";
      line = "   ";
    }
    line += item;
  }
  return text + line + "\n};\n";
}

}  // namespace

void CConstants::add(const std::string& name, std::span<const std::int32_t> values) {
  words_ += array("int32_t", name, values);
  count_ += 4 * std::ssize(values);
}

void CConstants::add(const std::string& name, std::span<const std::int8_t> values) {
  bytes_ += array("int8_t", name, values);
  count_ += std::ssize(values);
}

void CConstants::add(const std::string& name, std::span<const std::uint8_t> values) {
  bytes_ += array("uint8_t", name, values);
  count_ += std::ssize(values);
}

std::vector<std::int8_t> ordered_weights(const ir::QuantizedLayer& layer, const ir::Shape& in,
                                         const std::vector<int>& element_order) {
  const auto* const conv = std::get_if<ir::Conv2d>(&layer.op);
  const std::size_t taps =
      conv == nullptr ? 1 : std::size_t{1} * conv->window.kernel_height * conv->window.kernel_width;
  const std::size_t depth = conv == nullptr ? in.channels : in.channels / conv->groups;
  const std::size_t row = taps * depth;
  const std::size_t channels = layer.weight.size() / row;
  const bool depthwise = is_depthwise(layer.op, in);
  const auto blocked = static_cast<std::size_t>(blocked_channels(layer, in));
  std::vector<std::int8_t> result(layer.weight.size());
  auto from = layer.weight.begin();
  for (std::size_t channel = 0; channel < channels; ++channel) {
    for (std::size_t i = 0; i < depth; ++i) {
      const std::size_t place = element_order.empty() ? i : element_order[i];
      for (std::size_t tap = 0; tap < taps; ++tap) {
        const std::size_t in_row = tap * depth + place;
        std::size_t to = channel * row + in_row;
        if (depthwise) to = tap * channels + channel;
        if (channel < blocked) to = channel / 4 * 4 * row + in_row * 4 + channel % 4;
        result[to] = *from++;
      }
    }
  }
  return result;
}

std::vector<std::uint8_t> packed_weights(ir::WeightFormat format,
                                         std::span<const std::int8_t> weights) {
  const auto bits = static_cast<std::size_t>(ir::info(format).bits);
  std::vector<std::uint8_t> packed((weights.size() * bits + 7) / 8);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const unsigned code =
        format == ir::WeightFormat::kBinary ? weights[i] > 0 : static_cast<unsigned>(weights[i]);
    const std::size_t bit = i * bits;
    packed[bit / 8] |= static_cast<std::uint8_t>((code & ((1U << bits) - 1)) << bit % 8);
  }
  return packed;
}

}  // namespace hwnas::exporters
