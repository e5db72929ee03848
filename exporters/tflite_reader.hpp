#pragma once

#include <fmt/format.h>
#include <tflite_generated.h>

#include <string>
#include <string_view>
#include <vector>

#include "ir/network.hpp"
#include "ir/quantization.hpp"

namespace hwnas::exporters {

/// The largest extent of a tensor's axis, as in ir::infer_shapes.
inline constexpr int kMaxTfliteExtent = 1 << 24;

/// The one graph of a .tflite and its tensors, made for hostile files: the FlatBuffers are verified
/// first, and every index, extent, type and length is checked when it is asked for. What is thrown
/// (InvalidArgument) names the tensor, not the file.
class TfliteReader {
 public:
  /// `bytes` must outlive the reader. `max_bytes` bounds them and all that is read from them
  /// together.
  TfliteReader(std::string_view bytes, std::size_t max_bytes);

  const tflite::SubGraph& graph() const { return *graph_; }
  int operators() const;
  const tflite::Operator& at(int position) const { return *graph_->operators()->Get(position); }
  /// The operator's number; throws for custom operators and numbers out of range.
  int code(const tflite::Operator& op) const;

  /// Takes memory from the budget; throws where it is used up.
  void take(std::size_t bytes);

  void require_tensor(int index) const;
  /// For messages, and cut to a length of 64.
  std::string name(int tensor) const;
  tflite::TensorType type(int tensor) const;
  std::vector<int> dims(int tensor) const;
  bool is_constant(int tensor) const;

  /// Of [1, channels] and [1, height, width, channels].
  ir::Shape shape(int tensor) const;
  /// Of an int8 or int16 tensor as a whole.
  ir::Quantization quantization(int tensor) const;

  /// Scales of a weight: one, or one for each of the `count` positions on `axis`; zero points are
  /// 0.
  std::vector<float> scales(int tensor, int axis, int count) const;
  /// Those of a tensor that may have none.
  std::vector<float> optional_scales(int tensor) const;

  /// Matrices of rows x columns, each transposed. Floats may be stored as integers with scales on
  /// `axis`.
  std::vector<float> floats(int tensor, int axis, std::size_t rows, std::size_t columns);
  std::vector<std::int8_t> small_integers(int tensor, std::size_t rows, std::size_t columns);

  std::vector<float> floats(int tensor) { return floats(tensor, 0, 1, 1); }
  /// Of int32 and int64 tensors.
  std::vector<std::int64_t> integers(int tensor);

 private:
  const tflite::Tensor& tensor(int index) const { return *graph_->tensors()->Get(index); }
  std::string_view data(int tensor) const;
  std::size_t elements(int tensor) const;
  void require_matrices(int tensor, std::size_t rows, std::size_t columns) const;
  template <typename... Args>
  [[noreturn]] void fail(int tensor, fmt::format_string<Args...> format, Args&&... args) const;

  const tflite::Model* model_;
  const tflite::SubGraph* graph_;
  std::size_t left_;
};

}  // namespace hwnas::exporters
