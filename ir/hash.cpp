#include <fmt/format.h>

#include <bit>

#include "ir/network.hpp"
#include "ir/overloaded.hpp"

namespace hwnas::ir {

namespace {

/// FNV-1a, 64 bits (Fowler, Noll, Vo; draft-eastlake-fnv), over little-endian words.
class Hasher {
 public:
  void add(std::int64_t value) {
    for (int byte = 0; byte < 8; ++byte) {
      add_byte(static_cast<std::uint8_t>(static_cast<std::uint64_t>(value) >> (8 * byte)));
    }
  }
  void add(std::string_view name) {
    add(static_cast<std::int64_t>(name.size()));
    for (const char c : name) add_byte(static_cast<std::uint8_t>(c));
  }
  void add(const Padding& padding) {
    for (const int side : {padding.top, padding.left, padding.bottom, padding.right}) add(side);
  }
  void add(const Window& window) {
    for (const int value :
         {window.kernel_height, window.kernel_width, window.stride_height, window.stride_width}) {
      add(value);
    }
    add(window.padding);
  }
  std::uint64_t value() const { return hash_; }

 private:
  void add_byte(std::uint8_t byte) { hash_ = (hash_ ^ byte) * 0x100000001b3; }
  std::uint64_t hash_ = 0xcbf29ce484222325;
};

// The operator goes in by name, not by its place in the variant, which may change.
void add_operator(Hasher& hasher, const Operator& op) {
  hasher.add(operator_name(op));
  std::visit(
      overloaded{
          [&](const Conv2d& conv) {
            hasher.add(conv.window);
            for (const int value : {conv.out_channels, conv.dilation_height, conv.dilation_width,
                                    conv.groups, int{conv.bias}}) {
              hasher.add(value);
            }
          },
          [&](const Linear& linear) {
            hasher.add(linear.out_features);
            hasher.add(int{linear.bias});
          },
          [&](const BatchNorm& norm) { hasher.add(std::bit_cast<std::int32_t>(norm.epsilon)); },
          [&](const Pool& pool) { hasher.add(pool.window); },
          [&](const Pad& pad) { hasher.add(pad.padding); },
          [&](const Zero& zero) { hasher.add(zero.stride); },
          [](const auto&) {},
      },
      op);
}

}  // namespace

std::uint64_t stable_hash(const Network& network) {
  Hasher hasher;
  for (const int extent : {network.input.channels, network.input.height, network.input.width}) {
    hasher.add(extent);
  }
  for (const Layer& layer : network.layers) {
    add_operator(hasher, layer.op);
    hasher.add(static_cast<std::int64_t>(layer.inputs.size()));
    for (const int input : layer.inputs) hasher.add(input);
    hasher.add(layer.precision.weight_bits);
    hasher.add(layer.precision.activation_bits);
  }
  return hasher.value();
}

std::string stable_hash_digits(const Network& network) {
  return fmt::format("{:016x}", stable_hash(network));
}

}  // namespace hwnas::ir
