#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ir/quantized_network.hpp"

namespace hwnas::exporters {

/// Text of `static const` arrays, those of four bytes an element in front so that no linker need
/// align one in between; and what they take.
class CConstants {
 public:
  void add(const std::string& name, std::span<const std::int32_t> values);
  void add(const std::string& name, std::span<const std::int8_t> values);
  void add(const std::string& name, std::span<const std::uint8_t> values);

  std::string text() const { return words_ + bytes_; }
  std::int64_t bytes() const { return count_; }

 private:
  std::string words_;
  std::string bytes_;
  std::int64_t count_ = 0;
};

/// Weights in the order of the C kernels: depthwise ones as kernel height x kernel width x out
/// channels, all others as out channels x kernel height x kernel width x in channels of a group, in
/// which the rows of each four blocked_channels are interleaved.
/// `element_order` says where each input channel lies in memory; empty: in order.
std::vector<std::int8_t> ordered_weights(const ir::QuantizedLayer& layer, const ir::Shape& in,
                                         const std::vector<int>& element_order);

/// Weights under 8 bits, the first of each byte in its lowest bits; the last byte is filled with
/// zero bits. Binary: a set bit is +1.
std::vector<std::uint8_t> packed_weights(ir::WeightFormat format,
                                         std::span<const std::int8_t> weights);

}  // namespace hwnas::exporters
