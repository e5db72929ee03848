#pragma once

#include "ir/quantized_network.hpp"

namespace hwnas::compression {

/// What a hard sigmoid layer is in the arithmetic of TensorFlow Lite, which has no such kernel: a
/// 1x1 convolution (depthwise, if there are several channels) with the weight 127 at scale
/// 1/(6·127) and the bias 1/2, whose output saturates at 0 and 255/256. Throws InvalidArgument if
/// the input's scale is so small that the bias does not fit int32.
ir::QuantizedLayer hard_sigmoid_convolution(const ir::QuantizedLayer& layer,
                                            const ir::Quantization& input, int channels);

}  // namespace hwnas::compression
