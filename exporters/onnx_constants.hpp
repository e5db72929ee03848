#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ir/quantization.hpp"
#include "ir/weights.hpp"

namespace hwnas::exporters {

/// Weights as integers: real = scale · q, one scale for all or one for each index of `axis`.
struct IntegerArray {
  std::vector<std::int64_t> shape;
  std::vector<std::int8_t> values;
  std::vector<float> scales;
  int axis = 0;
  bool is_int4 = false;
};

/// The constants of a graph: its initializers, Constant nodes, and those behind a DequantizeLinear.
/// Sizes are checked before anything is allocated, and all that is ever handed out is limited to
/// kMaxOnnxBytes, so that a constant read a thousand times cannot fill the memory. Throws
/// InvalidArgument naming the constant.
class OnnxConstants {
 public:
  /// Keeps a pointer to the tensor.
  void add(const std::string& name, const onnx::TensorProto& tensor);
  /// `name` stands for scale · (value − zero_point) with constant inputs; "" for no zero point.
  void add_dequantized(const std::string& name, const std::string& value, const std::string& scale,
                       const std::string& zero_point, std::int64_t axis);
  void alias(const std::string& name, const std::string& of);

  bool contains(const std::string& name) const { return constants_.contains(name); }
  bool is_dequantized(const std::string& name) const;

  /// Float values; of a dequantized constant its real ones.
  ir::Array floats(const std::string& name);
  /// Values of any integer type.
  std::vector<std::int64_t> integers(const std::string& name);
  /// The integers behind a dequantized constant of int8 or int4 with zero points of 0.
  IntegerArray quantized_weight(const std::string& name);
  /// The integers behind a dequantized int32 constant, and their scales.
  struct Bias {
    std::vector<std::int64_t> values;
    std::vector<float> scales;
  };
  Bias quantized_bias(const std::string& name);

  /// The quantization that a QuantizeLinear or DequantizeLinear of an activation states: one scale;
  /// zero point of uint8 (also if "" stands for none), int8 or int16. uint8 q becomes q − 128.
  ir::Quantization quantization(const std::string& scale, const std::string& zero_point);

  /// Counts bytes that are about to be allocated.
  void take(std::size_t bytes);

 private:
  struct Constant {
    const onnx::TensorProto* tensor = nullptr;
    std::string scale;  ///< with a scale: dequantized
    std::string zero_point;
    std::int64_t axis = 0;
  };
  const Constant& at(const std::string& name) const;
  const Constant& dequantized_at(const std::string& name) const;
  std::vector<float> scales_of(const Constant& constant, const std::string& name);

  std::map<std::string, Constant> constants_;
  std::size_t taken_bytes_ = 0;
};

}  // namespace hwnas::exporters
