#pragma once

#include <optional>
#include <string>
#include <vector>

#include "exporters/exporter.hpp"

namespace hwnas::exporters {

/// An operator with the clamping activation that TensorFlow Lite runs inside it.
struct TfliteKernel {
  std::string name;
  ir::Operator op;
  std::vector<int> inputs;                         ///< kernels, or ir::kNetworkInput
  std::optional<ir::ActivationKind> activation;    ///< kRelu or kRelu6; of Conv2d, Linear, Add, Mul
  std::optional<ir::Quantization> output;          ///< none: float32
  ir::LayerWeights real = {};                      ///< of Conv2d and Linear in float32
  std::optional<ir::QuantizedLayer> integer = {};  ///< the layer in integers, if it is quantized
};

/// A network as kernels in the order of execution; the last one's output is the network's.
struct TfliteKernels {
  ir::Shape input;
  std::optional<ir::Quantization> input_quantization;  ///< none: float32
  std::vector<TfliteKernel> kernels;
};

/// deployed(model) behind its normalisation, which is a depthwise 1x1 convolution, with ReLU and
/// ReLU6 fused into the only kernel that they read. Throws what deployed() throws.
TfliteKernels float_kernels(const Model& model);

/// The layers of a verified network, one a kernel; hard sigmoids are the convolutions that
/// compression::hard_sigmoid_convolution makes of them.
TfliteKernels integer_kernels(const ir::QuantizedNetwork& network);

/// Output shape of every kernel.
std::vector<ir::Shape> infer_shapes(const TfliteKernels& kernels);

}  // namespace hwnas::exporters
