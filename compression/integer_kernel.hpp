#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "ir/quantized_network.hpp"

namespace hwnas::compression {

/// One layer made ready to run. Tensors are in height x width x channels order. Immutable;
/// thread-safe.
class IntegerKernel {
 public:
  virtual ~IntegerKernel() = default;
  virtual void run(std::span<const std::span<const std::int16_t>> inputs,
                   std::span<std::int16_t> output) const = 0;
};

/// What a kernel is made from.
struct KernelSpec {
  const ir::QuantizedLayer& layer;
  std::vector<ir::Shape> input_shapes;
  std::vector<ir::Quantization> inputs;
  ir::Shape output_shape;
  ir::Arithmetic arithmetic;
};

/// By the layer's operator. Throws InvalidArgument where the arithmetic cannot express it.
std::unique_ptr<IntegerKernel> make_convolution(const KernelSpec& spec);  ///< Conv2d, Linear
std::unique_ptr<IntegerKernel> make_elementwise(const KernelSpec& spec);  ///< Add, Mul, Activation,
                                                                          ///< Softmax
std::unique_ptr<IntegerKernel> make_movement(const KernelSpec& spec);  ///< Concat, Pool, Flatten,
                                                                       ///< GlobalAveragePool, Pad

}  // namespace hwnas::compression
