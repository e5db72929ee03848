#include "exporters/tflite_reader.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/error.hpp"
#include "exporters/tflite_layout.hpp"

namespace hwnas::exporters {

namespace {

using Type = tflite::TensorType;

constexpr std::int64_t kMaxElements = std::int64_t{1} << 28;  // as in ir::infer_shapes
constexpr std::size_t kMaxRank = 4;
constexpr std::size_t kMaxOperators = std::size_t{1} << 16;

template <typename T>
std::size_t size_of(const flatbuffers::Vector<T>* values) {
  return values == nullptr ? 0 : values->size();
}

/// Bytes of a tensor's data.
std::size_t packed_bytes(Type type, std::size_t elements) {
  switch (type) {
    case Type::INT4:
      return (elements + 1) / 2;
    case Type::INT8:
      return elements;
    case Type::INT16:
      return elements * 2;
    case Type::FLOAT32:
    case Type::INT32:
      return elements * 4;
    case Type::INT64:
      return elements * 8;
  }
  return 0;
}

template <typename T>
T loaded(std::string_view bytes, std::size_t index) {
  T value;
  std::memcpy(&value, bytes.data() + index * sizeof(T), sizeof(T));
  return value;
}

/// The low half of a byte comes first.
std::int8_t int4_at(std::string_view bytes, std::size_t index) {
  const auto byte = static_cast<std::uint8_t>(bytes[index / 2]);
  const int nibble = index % 2 == 0 ? byte & 0xF : byte >> 4;
  return static_cast<std::int8_t>(nibble < 8 ? nibble : nibble - 16);
}

}  // namespace

template <typename... Args>
void TfliteReader::fail(int tensor, fmt::format_string<Args...> format, Args&&... args) const {
  throw invalid_argument("tensor {} ('{}'): {}", tensor, name(tensor),
                         fmt::format(format, std::forward<Args>(args)...));
}

TfliteReader::TfliteReader(std::string_view bytes, std::size_t max_bytes) : left_(max_bytes) {
  take(bytes.size());
  flatbuffers::Verifier verifier(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  if (!tflite::VerifyModelBuffer(verifier)) {
    throw invalid_argument("not a TensorFlow Lite file, or a damaged one");
  }
  model_ = tflite::GetModel(bytes.data());
  if (model_->version() != 3) {
    throw invalid_argument("schema version {}, only 3 is read", model_->version());
  }
  if (size_of(model_->subgraphs()) != 1) {
    throw invalid_argument("{} graphs, only 1 is read", size_of(model_->subgraphs()));
  }
  graph_ = model_->subgraphs()->Get(0);
  if (size_of(graph_->operators()) > kMaxOperators) {
    throw invalid_argument("{} operators, at most {} are read", graph_->operators()->size(),
                           kMaxOperators);
  }
}

int TfliteReader::operators() const {
  return static_cast<int>(size_of(graph_->operators()));
}

int TfliteReader::code(const tflite::Operator& op) const {
  if (op.opcode_index() >= size_of(model_->operator_codes())) {
    throw invalid_argument("operator code {} is not in the file", op.opcode_index());
  }
  const tflite::OperatorCode& code = *model_->operator_codes()->Get(op.opcode_index());
  return std::max<int>(code.deprecated_builtin_code(), static_cast<int>(code.builtin_code()));
}

void TfliteReader::take(std::size_t bytes) {
  if (bytes > left_) throw invalid_argument("what it holds takes too much memory to be read");
  left_ -= bytes;
}

void TfliteReader::require_tensor(int index) const {
  if (index < 0 || static_cast<std::size_t>(index) >= size_of(graph_->tensors())) {
    throw invalid_argument("tensor {} is not in the file", index);
  }
  const tflite::Tensor& it = tensor(index);
  if (it.sparsity() != nullptr) fail(index, "sparse tensors are not read");
  if (it.is_variable()) fail(index, "variable tensors are not read");
  if (it.quantization() != nullptr &&
      it.quantization()->details_type() != tflite::QuantizationDetails::NONE) {
    fail(index, "custom quantization is not read");
  }
}

std::string TfliteReader::name(int index) const {
  constexpr std::size_t kMaxLength = 64;
  const flatbuffers::String* const text = tensor(index).name();
  if (text == nullptr) return {};
  return {text->c_str(), std::min<std::size_t>(text->size(), kMaxLength)};
}

Type TfliteReader::type(int index) const {
  return tensor(index).type();
}

std::vector<int> TfliteReader::dims(int index) const {
  const flatbuffers::Vector<int>* const shape = tensor(index).shape();
  if (size_of(shape) > kMaxRank) fail(index, "has rank {}", shape->size());
  std::vector<int> result;
  std::int64_t count = 1;
  for (std::size_t i = 0; i < size_of(shape); ++i) {
    const int extent = shape->Get(static_cast<flatbuffers::uoffset_t>(i));
    if (extent < 1 || extent > kMaxTfliteExtent) fail(index, "axis {} is {}", i, extent);
    count *= extent;
    if (count > kMaxElements) fail(index, "has more than {} elements", kMaxElements);
    result.push_back(extent);
  }
  return result;
}

std::size_t TfliteReader::elements(int index) const {
  std::size_t count = 1;
  for (const int extent : dims(index)) count *= static_cast<std::size_t>(extent);
  return count;
}

bool TfliteReader::is_constant(int index) const {
  const std::uint32_t buffer = tensor(index).buffer();
  if (buffer >= size_of(model_->buffers())) fail(index, "buffer {} is not in the file", buffer);
  const tflite::Buffer& it = *model_->buffers()->Get(buffer);
  if (it.offset() != 0 || it.size() != 0) fail(index, "external data are not read");
  return size_of(it.data()) != 0;
}

std::string_view TfliteReader::data(int index) const {
  if (!is_constant(index)) fail(index, "is not a constant");
  const auto& bytes = *model_->buffers()->Get(tensor(index).buffer())->data();
  const std::size_t expected = packed_bytes(type(index), elements(index));
  if (bytes.size() != expected) fail(index, "has {} bytes, not {}", bytes.size(), expected);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

ir::Shape TfliteReader::shape(int index) const {
  const std::vector<int> all = dims(index);
  if ((all.size() != 2 && all.size() != 4) || all.front() != 1) {
    fail(index, "its shape [{}] is neither [1, channels] nor [1, height, width, channels]",
         fmt::join(all, ", "));
  }
  if (all.size() == 2) return {.channels = all[1]};
  return {.channels = all[3], .height = all[1], .width = all[2]};
}

ir::Quantization TfliteReader::quantization(int index) const {
  if (type(index) != Type::INT8 && type(index) != Type::INT16) {
    fail(index, "is neither int8 nor int16, as other tensors of the file are");
  }
  const tflite::QuantizationParameters* const it = tensor(index).quantization();
  if (it == nullptr || size_of(it->scale()) != 1 || size_of(it->zero_point()) != 1) {
    fail(index, "has not one scale and zero point");
  }
  ir::Quantization result{.scale = it->scale()->Get(0),
                          .bits = type(index) == Type::INT16 ? 16 : 8};
  const std::int64_t zero_point = it->zero_point()->Get(0);
  if (!std::isfinite(result.scale) || result.scale <= 0 || zero_point < result.lowest() ||
      zero_point > result.highest()) {
    fail(index, "scale {} and zero point {} are no quantization of {} bits", result.scale,
         zero_point, result.bits);
  }
  result.zero_point = static_cast<std::int32_t>(zero_point);
  return result;
}

std::vector<float> TfliteReader::optional_scales(int index) const {
  const tflite::QuantizationParameters* const it = tensor(index).quantization();
  if (it == nullptr || it->scale() == nullptr) return {};
  if (it->scale()->size() > kMaxTfliteExtent) fail(index, "has {} scales", it->scale()->size());
  return {it->scale()->begin(), it->scale()->end()};
}

std::vector<float> TfliteReader::scales(int index, int axis, int count) const {
  std::vector<float> result = optional_scales(index);
  if (result.size() != 1 && result.size() != static_cast<std::size_t>(count)) {
    fail(index, "has {} scales, not 1 or {}", result.size(), count);
  }
  const tflite::QuantizationParameters& it = *tensor(index).quantization();
  if (result.size() > 1 && it.quantized_dimension() != axis) {
    fail(index, "its scales stand on axis {}, not {}", it.quantized_dimension(), axis);
  }
  for (const float scale : result) {
    if (!std::isfinite(scale) || scale <= 0) fail(index, "scale {} is not positive", scale);
  }
  for (std::size_t i = 0; i < size_of(it.zero_point()); ++i) {
    if (it.zero_point()->Get(static_cast<flatbuffers::uoffset_t>(i)) != 0) {
      fail(index, "weights with a zero point are not read");
    }
  }
  return result;
}

void TfliteReader::require_matrices(int index, std::size_t rows, std::size_t columns) const {
  if (elements(index) % (rows * columns) != 0) {
    fail(index, "its {} elements are no matrices of {} x {}", elements(index), rows, columns);
  }
}

std::vector<std::int8_t> TfliteReader::small_integers(int index, std::size_t rows,
                                                      std::size_t columns) {
  if (type(index) != Type::INT8 && type(index) != Type::INT4) {
    fail(index, "weights are neither int8 nor int4");
  }
  const std::string_view bytes = data(index);
  const std::size_t count = elements(index);
  require_matrices(index, rows, columns);
  take(count);
  if (type(index) == Type::INT8) {
    return transpose_each(count, rows, columns,
                          [&](std::size_t i) { return loaded<std::int8_t>(bytes, i); });
  }
  return transpose_each(count, rows, columns, [&](std::size_t i) { return int4_at(bytes, i); });
}

std::vector<float> TfliteReader::floats(int index, int axis, std::size_t rows,
                                        std::size_t columns) {
  const std::string_view bytes = data(index);
  const std::size_t count = elements(index);
  require_matrices(index, rows, columns);
  take(count * sizeof(float));
  if (type(index) == Type::FLOAT32) {
    return transpose_each(count, rows, columns,
                          [&](std::size_t i) { return loaded<float>(bytes, i); });
  }
  if (type(index) != Type::INT8) fail(index, "is neither float32 nor int8");
  const std::vector<int> extents = dims(index);
  if (axis >= std::ssize(extents)) fail(index, "has rank {}", extents.size());
  const std::vector<float> scale = scales(index, axis, extents[axis]);
  std::size_t inner = 1;  // elements that one position on the axis holds side by side
  for (std::size_t i = axis + 1; i < extents.size(); ++i) inner *= extents[i];
  return transpose_each(count, rows, columns, [&](std::size_t i) {
    return scale[i / inner % scale.size()] * loaded<std::int8_t>(bytes, i);
  });
}

std::vector<std::int64_t> TfliteReader::integers(int index) {
  const std::string_view bytes = data(index);
  const std::size_t count = elements(index);
  if (type(index) != Type::INT32 && type(index) != Type::INT64) {
    fail(index, "is neither int32 nor int64");
  }
  take(count * sizeof(std::int64_t));
  std::vector<std::int64_t> result(count);
  for (std::size_t i = 0; i < count; ++i) {
    result[i] = type(index) == Type::INT32 ? loaded<std::int32_t>(bytes, i)
                                           : loaded<std::int64_t>(bytes, i);
  }
  return result;
}

}  // namespace hwnas::exporters
