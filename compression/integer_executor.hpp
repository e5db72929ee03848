#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "ir/quantized_network.hpp"

namespace hwnas::compression {

/// Runs a quantized network in the integer arithmetic of a target, bit for bit: kernels are
/// TensorFlow Lite's reference kernels with requantization by `arithmetic`. Sigmoid, hard-swish and
/// softmax follow TensorFlow Lite's fixed-point rules in the tfl modes, and are float functions
/// rounded half to even in the float modes.
///
/// Thread-safe: run() may be called concurrently.
class IntegerExecutor {
 public:
  /// Throws InvalidArgument if the network does not verify or a multiplier is out of range.
  explicit IntegerExecutor(const ir::QuantizedNetwork& network, ir::Arithmetic arithmetic = {});
  ~IntegerExecutor();
  IntegerExecutor(IntegerExecutor&&) noexcept;
  IntegerExecutor& operator=(IntegerExecutor&&) noexcept;

  /// Output (channels x height x width) for an input of quantized values in the same order.
  std::vector<std::int32_t> run(std::span<const std::int32_t> input) const;

  /// The same, showing every layer's output as it is made.
  using Observer = std::function<void(int layer, std::span<const std::int32_t> output)>;
  std::vector<std::int32_t> run(std::span<const std::int32_t> input,
                                const Observer& observer) const;

 private:
  struct Plan;
  std::unique_ptr<const Plan> plan_;
};

}  // namespace hwnas::compression
