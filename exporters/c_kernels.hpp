#pragma once

#include <string>
#include <vector>

#include "ir/quantized_network.hpp"

namespace hwnas::exporters {

/// One C function.
struct CKernel {
  std::string stem;  ///< what its name starts with: "pointwise", "depthwise3x3", …
  std::string text;  ///< the definition, with @NAME@ where its name goes
};

/// The convolution, depthwise convolution or linear layer for these shapes. Its parameters are
/// x, y, weight, bias, multiplier, shift, x_zero, y_zero, low, high; weights as ordered_weights and
/// packed_weights store them.
CKernel convolution_kernel(const ir::QuantizedLayer& layer, const ir::Shape& in,
                           const ir::Shape& out);

/// Max or average pooling; parameters x, y. Average pooling calls kMeanFunction.
CKernel pool_kernel(const ir::Pool& pool, const ir::Shape& in, const ir::Shape& out);

/// Addition and multiplication; parameters a, b, y, all numbers in the text. `a` and `b` are the
/// inputs' quantizations, `pixels` the number of pixels for which a second input of one value a
/// channel is repeated, or 1. `y` may be `a` or `b`.
CKernel add_kernel(const ir::QuantizedLayer& layer, const ir::Quantization& a,
                   const ir::Quantization& b, std::int64_t elements);
CKernel multiply_kernel(const ir::QuantizedLayer& layer, const ir::Quantization& a,
                        const ir::Quantization& b, std::int64_t pixels, std::int64_t channels);

/// relu or relu6 from one quantization to another; parameters x, y, which may be the same.
CKernel relu_kernel(const ir::QuantizedLayer& layer, const ir::Quantization& in,
                    std::int64_t elements);

/// Output channels, from the first, that the kernel computes four at a time, for which it wants the
/// weights of four channels interleaved: a multiple of 4, or 0.
int blocked_channels(const ir::QuantizedLayer& layer, const ir::Shape& in);

/// Whether the layer has one filter a channel.
bool is_depthwise(const ir::Operator& op, const ir::Shape& in);

/// A function that serves all shapes, and what it calls, which comes before it in helpers().
struct CHelper {
  std::string name;
  std::string text;
  std::vector<std::string> calls = {};
};

/// All of them, in the order in which C wants them: clamp, rescale, requantize, accumulate,
/// weight_<format>, dot_<format>, mean, copy_rows, look_up, softmax.
std::vector<CHelper> c_helpers(ir::Requantization mode);

}  // namespace hwnas::exporters
