#pragma once

#include <tflite_generated.h>

#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "ir/quantization.hpp"

namespace hwnas::exporters {

/// Scales of a constant: none, one for all, or one for each position on `axis`. Zero points are 0.
struct TfliteScales {
  std::vector<float> values;
  int axis = 0;
};

/// Puts a .tflite file together: tensors, operators in the order of execution, and what must go
/// with them (operator codes, buffers, the oldest runtime that takes the file, a signature).
class TfliteBuilder {
 public:
  using Dims = std::vector<int>;
  using Type = tflite::TensorType;

  explicit TfliteBuilder(const std::string& name);

  /// A tensor that an operator writes, or the network's input; float32 without quantization.
  /// Returns its index.
  int add_activation(const std::string& name, const Dims& dims,
                     const std::optional<ir::Quantization>& quantization);

  /// A tensor with data, `bytes` as the type packs them. Returns its index.
  int add_constant(const std::string& name, Type type, const Dims& dims,
                   std::vector<std::uint8_t> bytes, const TfliteScales& scales = {});
  template <typename T>
  int add_constant(const std::string& name, Type type, const Dims& dims,
                   const std::vector<T>& values, const TfliteScales& scales = {}) {
    std::vector<std::uint8_t> bytes(values.size() * sizeof(T));
    if (!values.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
    return add_constant(name, type, dims, std::move(bytes), scales);
  }
  /// A constant in the quantization of an activation.
  void set_quantization(int tensor, const ir::Quantization& quantization);

  void add_operator(tflite::BuiltinOperator code, int version, const std::vector<int>& inputs,
                    int output, tflite::BuiltinOptionsUnion options = {});
  void add_operator(tflite::BuiltinOperator code, int version, const std::vector<int>& inputs,
                    int output, const auto& options) {
    tflite::BuiltinOptionsUnion any;
    any.Set(std::decay_t<decltype(options)>(options));
    add_operator(code, version, inputs, output, std::move(any));
  }

  /// The file's bytes; `output` is renamed. Throws InvalidArgument if the file would have more than
  /// the 2 GiB of the format.
  std::string finish(int input, int output, const std::string& output_name);

 private:
  tflite::SubGraphT& graph() { return *model_.subgraphs.front(); }
  int add_tensor(std::unique_ptr<tflite::TensorT> tensor);
  int add_buffer(std::vector<std::uint8_t> bytes);
  void add_minimum_runtime();
  void add_signature(int input, int output);

  tflite::ModelT model_;
};

}  // namespace hwnas::exporters
