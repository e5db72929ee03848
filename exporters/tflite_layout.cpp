#include "exporters/tflite_layout.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace hwnas::exporters {

namespace {

/// Before and after, on one axis.
std::pair<int, int> same_padding(int extent, int kernel, int stride, int dilation) {
  const std::int64_t positions = (std::int64_t{extent} + stride - 1) / stride;
  const std::int64_t reach = std::int64_t{dilation} * (kernel - 1) + 1;
  const std::int64_t total = std::max<std::int64_t>((positions - 1) * stride + reach - extent, 0);
  return {static_cast<int>(total / 2), static_cast<int>(total - total / 2)};
}

}  // namespace

ir::Padding same_padding(const ir::Shape& in, const ir::Window& window, int dilation_height,
                         int dilation_width) {
  const auto [top, bottom] =
      same_padding(in.height, window.kernel_height, window.stride_height, dilation_height);
  const auto [left, right] =
      same_padding(in.width, window.kernel_width, window.stride_width, dilation_width);
  return {.top = top, .left = left, .bottom = bottom, .right = right};
}

}  // namespace hwnas::exporters
