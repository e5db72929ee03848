#pragma once

#include <cstddef>
#include <type_traits>
#include <vector>

#include "ir/network.hpp"

namespace hwnas::exporters {

/// What TensorFlow Lite's padding SAME adds on each axis so that ⌈extent/stride⌉ positions fit:
/// max((positions − 1)·stride + reach − extent, 0) pixels, the smaller half of them in front.
ir::Padding same_padding(const ir::Shape& in, const ir::Window& window, int dilation_height = 1,
                         int dilation_width = 1);

/// Transposes each of the rows x columns matrices that follow one another in element(0),
/// element(1), …, element(count − 1): with channels as rows and pixels as columns, channels first
/// becomes channels last, and the other way round. `count` is a multiple of rows · columns.
template <typename Element>
auto transpose_each(std::size_t count, std::size_t rows, std::size_t columns,
                    const Element& element) {
  std::vector<std::decay_t<decltype(element(0))>> transposed(count);
  for (std::size_t begin = 0; begin < count; begin += rows * columns) {
    for (std::size_t row = 0; row < rows; ++row) {
      for (std::size_t column = 0; column < columns; ++column) {
        transposed[begin + column * rows + row] = element(begin + row * columns + column);
      }
    }
  }
  return transposed;
}
template <typename T>
std::vector<T> transpose_each(const std::vector<T>& values, std::size_t rows, std::size_t columns) {
  return transpose_each(values.size(), rows, columns, [&](std::size_t i) { return values[i]; });
}

}  // namespace hwnas::exporters
