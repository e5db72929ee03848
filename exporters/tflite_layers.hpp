#pragma once

#include <optional>
#include <string>
#include <vector>

#include "exporters/tflite.hpp"
#include "exporters/tflite_op.hpp"

namespace hwnas::exporters {

/// The network that grows while a .tflite is read: layers in float32 or in integers, with their
/// weights in the IR's order. What it throws names no operator.
class TfliteLayers {
 public:
  TfliteLayers(TfliteReader& reader, int input_tensor);

  bool is_integer() const { return is_integer_; }
  int count() const { return static_cast<int>(declared_.size()); }
  /// Of a layer's output, or of the network's input; meaningless in float32.
  ir::Quantization quantization_of(int layer) const;

  /// A layer that no operator stands for, whose output has the quantization of its input.
  int add_between(const char* what, const ir::Operator& kind, int input, const ir::Shape& shape);

  using Clamp = std::optional<ir::ActivationKind>;
  /// The operator's layer and what is fused into it; returns the index of what gives the output.
  int add(const TfliteOp& op, const ir::Operator& kind, std::vector<int> inputs,
          const Clamp& activation = {});

  /// How a file's weight becomes the IR's.
  struct WeightOrder {
    std::vector<std::int64_t> shape;  ///< the IR's; output channels first
    std::size_t rows = 1;             ///< of the matrices to transpose
    std::size_t columns = 1;
    int scale_axis = 0;  ///< in the file
  };
  /// A layer with the operator's inputs 1 and 2 as weight and bias.
  int add_weighted(const TfliteOp& op, const ir::Operator& kind, int input,
                   const WeightOrder& order, const Clamp& activation);

  /// x·scale + shift per channel: a depthwise 1x1 convolution, in float32.
  int add_affine(const TfliteOp& op, int input, std::vector<float> scale, std::vector<float> shift,
                 const Clamp& activation);

  /// Verified; every layer's output has the shape that the file declares.
  TfliteNetwork take();

 private:
  int append(const std::string& name, const ir::Operator& kind, std::vector<int> inputs,
             const ir::Shape& shape, const ir::Quantization& quantization);
  std::string name_of(const TfliteOp& op) const;
  void read_bias(int tensor, const ir::Quantization& input, ir::QuantizedLayer& layer);
  void require_declared_shapes(const std::vector<ir::Shape>& shapes) const;

  TfliteReader& reader_;
  bool is_integer_;
  ir::FoldedNetwork real_;
  ir::QuantizedNetwork integer_;
  std::vector<ir::Shape> declared_;  ///< of each layer's output, by the file
};

}  // namespace hwnas::exporters
