#include "exporters/onnx_constants.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/error.hpp"
#include "exporters/onnx.hpp"
#include "exporters/onnx_builder.hpp"
#include "exporters/onnx_node.hpp"

namespace hwnas::exporters {

namespace {

using Tensor = onnx::TensorProto;

template <typename... Args>
[[noreturn]] void fail(const Tensor& tensor, fmt::format_string<Args...> format, Args&&... args) {
  throw invalid_argument("tensor '{}': {}", tensor.name(),
                         fmt::format(format, std::forward<Args>(args)...));
}

std::size_t count_elements(const Tensor& tensor) {
  std::int64_t count = 1;
  for (const std::int64_t extent : tensor.dims()) {
    if (extent < 0 || extent > kMaxOnnxExtent || __builtin_mul_overflow(count, extent, &count)) {
      fail(tensor, "its dimensions are absurd");
    }
  }
  return static_cast<std::size_t>(count);
}

void require_inside(const Tensor& tensor) {
  if (tensor.data_location() != Tensor::DEFAULT || tensor.external_data_size() != 0) {
    fail(tensor, "external data are not read; save the model as one file");
  }
}

void require_count(const Tensor& tensor, std::size_t there, std::size_t expected) {
  if (there != expected) fail(tensor, "holds {} values, expected {}", there, expected);
}

/// raw_data as values of Stored.
template <typename Stored, typename Value>
void copy_raw(const Tensor& tensor, std::vector<Value>& values) {
  const std::string& raw = tensor.raw_data();
  if (raw.size() % sizeof(Stored) != 0) fail(tensor, "{} raw bytes are no values", raw.size());
  require_count(tensor, raw.size() / sizeof(Stored), values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    Stored value;
    std::memcpy(&value, raw.data() + i * sizeof(Stored), sizeof(Stored));
    values[i] = static_cast<Value>(value);
  }
}

template <typename Value>
void copy_int4(const Tensor& tensor, std::vector<Value>& values) {
  const std::string& raw = tensor.raw_data();
  require_count(tensor, raw.size(), (values.size() + 1) / 2);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const int nibble = static_cast<std::uint8_t>(raw[i / 2]) >> (i % 2 * 4) & 0xF;
    values[i] = static_cast<Value>(nibble >= 8 ? nibble - 16 : nibble);
  }
}

/// Values of an integer type, from raw_data or from the field that the format has for the type.
template <typename Value>
void copy_integers(const Tensor& tensor, std::vector<Value>& values) {
  const auto copy_field = [&](const auto& field) {
    require_count(tensor, static_cast<std::size_t>(field.size()), values.size());
    std::ranges::transform(field, values.begin(), [](auto v) { return static_cast<Value>(v); });
  };
  const bool is_raw = tensor.has_raw_data();
  switch (tensor.data_type()) {
    case Tensor::INT64:
      return is_raw ? copy_raw<std::int64_t>(tensor, values) : copy_field(tensor.int64_data());
    case Tensor::INT32:
      return is_raw ? copy_raw<std::int32_t>(tensor, values) : copy_field(tensor.int32_data());
    case Tensor::INT16:
      return is_raw ? copy_raw<std::int16_t>(tensor, values) : copy_field(tensor.int32_data());
    case Tensor::INT8:
      return is_raw ? copy_raw<std::int8_t>(tensor, values) : copy_field(tensor.int32_data());
    case Tensor::UINT8:
      return is_raw ? copy_raw<std::uint8_t>(tensor, values) : copy_field(tensor.int32_data());
    case kOnnxInt4:
      return copy_int4(tensor, values);
    default:
      fail(tensor, "type {} is not read as integers", tensor.data_type());
  }
}

}  // namespace

void OnnxConstants::take(std::size_t bytes) {
  if (bytes > kMaxOnnxBytes - taken_bytes_) {
    throw invalid_argument("its constants, as often as they are used, need more than {} bytes",
                           kMaxOnnxBytes);
  }
  taken_bytes_ += bytes;
}

void OnnxConstants::add(const std::string& name, const Tensor& tensor) {
  constants_[name] = {.tensor = &tensor, .scale = {}, .zero_point = {}};
}

void OnnxConstants::add_dequantized(const std::string& name, const std::string& value,
                                    const std::string& scale, const std::string& zero_point,
                                    std::int64_t axis) {
  const Constant& integers = at(value);
  if (!integers.scale.empty()) fail(*integers.tensor, "is dequantized twice");
  constants_[name] = {integers.tensor, scale, zero_point, axis};
}

void OnnxConstants::alias(const std::string& name, const std::string& of) {
  constants_[name] = at(of);
}

const OnnxConstants::Constant& OnnxConstants::at(const std::string& name) const {
  const auto found = constants_.find(name);
  if (found == constants_.end()) throw invalid_argument("'{}' is not a constant", name);
  return found->second;
}

bool OnnxConstants::is_dequantized(const std::string& name) const {
  return contains(name) && !at(name).scale.empty();
}

const OnnxConstants::Constant& OnnxConstants::dequantized_at(const std::string& name) const {
  const Constant& constant = at(name);
  if (constant.scale.empty()) throw invalid_argument("constant '{}' is not quantized", name);
  return constant;
}

ir::Array OnnxConstants::floats(const std::string& name) {
  const Constant& constant = at(name);
  const Tensor& tensor = *constant.tensor;
  require_inside(tensor);
  if (!constant.scale.empty()) fail(tensor, "is quantized where floats are expected");
  const std::size_t count = count_elements(tensor);
  if (tensor.data_type() != Tensor::FLOAT) {
    fail(tensor, "type {} is not float32", tensor.data_type());
  }
  // Before the memory is taken, so that a claim without values takes none.
  require_count(tensor,
                tensor.has_raw_data() ? tensor.raw_data().size() / sizeof(float)
                                      : static_cast<std::size_t>(tensor.float_data_size()),
                count);
  take(count * sizeof(float));
  ir::Array array{{tensor.dims().begin(), tensor.dims().end()}, std::vector<float>(count)};
  if (tensor.has_raw_data()) {
    copy_raw<float>(tensor, array.values);
  } else {
    std::ranges::copy(tensor.float_data(), array.values.begin());
  }
  return array;
}

std::vector<std::int64_t> OnnxConstants::integers(const std::string& name) {
  const Tensor& tensor = *at(name).tensor;
  require_inside(tensor);
  const std::size_t count = count_elements(tensor);
  take(count * sizeof(std::int64_t));
  std::vector<std::int64_t> values(count);
  copy_integers(tensor, values);
  return values;
}

std::vector<float> OnnxConstants::scales_of(const Constant& constant, const std::string& name) {
  std::vector<float> scales = floats(constant.scale).values;
  for (const float scale : scales) {
    if (!std::isfinite(scale) || scale <= 0) {
      throw invalid_argument("constant '{}': scale {} is not a positive number", name, scale);
    }
  }
  if (!constant.zero_point.empty()) {
    for (const std::int64_t zero : integers(constant.zero_point)) {
      if (zero != 0) {
        throw invalid_argument("constant '{}': zero point {}, but only symmetric weights are read",
                               name, zero);
      }
    }
  }
  return scales;
}

IntegerArray OnnxConstants::quantized_weight(const std::string& name) {
  const Constant& constant = dequantized_at(name);
  const Tensor& tensor = *constant.tensor;
  require_inside(tensor);
  const std::size_t count = count_elements(tensor);
  if (tensor.data_type() != Tensor::INT8 && tensor.data_type() != kOnnxInt4) {
    fail(tensor, "type {} is not int8 or int4", tensor.data_type());
  }
  IntegerArray array{.shape = {tensor.dims().begin(), tensor.dims().end()},
                     .values = {},
                     .scales = scales_of(constant, name),
                     .is_int4 = tensor.data_type() == kOnnxInt4};
  const std::int64_t axis = constant.axis < 0 ? constant.axis + tensor.dims_size() : constant.axis;
  if (array.scales.size() != 1) {
    if (axis < 0 || axis >= tensor.dims_size() ||
        array.shape[static_cast<std::size_t>(axis)] != std::ssize(array.scales)) {
      fail(tensor, "{} scales do not fit axis {}", array.scales.size(), constant.axis);
    }
    array.axis = static_cast<int>(axis);
  }
  take(count);
  array.values.resize(count);
  copy_integers(tensor, array.values);
  return array;
}

OnnxConstants::Bias OnnxConstants::quantized_bias(const std::string& name) {
  const Constant& constant = dequantized_at(name);
  if (constant.tensor->data_type() != Tensor::INT32) fail(*constant.tensor, "is not int32");
  return {integers(name), scales_of(constant, name)};
}

ir::Quantization OnnxConstants::quantization(const std::string& scale,
                                             const std::string& zero_point) {
  const std::vector<float> scales = floats(scale).values;
  if (scales.size() != 1) {
    throw invalid_argument("'{}': activations with {} scales are not read", scale, scales.size());
  }
  ir::Quantization result{.scale = scales.front(), .zero_point = -128};
  if (zero_point.empty()) return result;
  const std::vector<std::int64_t> zero = integers(zero_point);
  if (zero.size() != 1) throw invalid_argument("'{}': {} zero points", zero_point, zero.size());
  result.zero_point = static_cast<std::int32_t>(zero.front());
  switch (at(zero_point).tensor->data_type()) {
    case Tensor::UINT8:
      result.zero_point -= 128;
      return result;
    case Tensor::INT8:
      return result;
    case Tensor::INT16:
      result.bits = 16;
      return result;
    default:
      throw invalid_argument("'{}': activations are read as uint8, int8 or int16", zero_point);
  }
}

}  // namespace hwnas::exporters
