#include "exporters/onnx_node.hpp"

#include <algorithm>
#include <cmath>

namespace hwnas::exporters {

void OnnxNode::require_inputs(int min, int max) const {
  if (inputs() < min || inputs() > max) fail("has {} inputs", inputs());
  if (max == kMaxOnnxExtent) min = inputs();
  for (int i = 0; i < min; ++i) {
    if (!has_input(i)) fail("input {} is left out", i);
  }
}

const onnx::AttributeProto* OnnxNode::take(const char* name) {
  const auto found = std::ranges::find(proto_.attribute(), name, &onnx::AttributeProto::name);
  if (found == proto_.attribute().end()) return nullptr;
  ++taken_;
  return &*found;
}

const onnx::AttributeProto* OnnxNode::take(const char* name,
                                           onnx::AttributeProto::AttributeType type) {
  const onnx::AttributeProto* const found = take(name);
  if (found != nullptr && found->type() != type) fail("attribute {} is of another type", name);
  return found;
}

std::optional<std::vector<std::int64_t>> OnnxNode::ints(const char* name) {
  const onnx::AttributeProto* const found = take(name, onnx::AttributeProto::INTS);
  if (found == nullptr) return std::nullopt;
  return std::vector<std::int64_t>(found->ints().begin(), found->ints().end());
}

std::vector<int> OnnxNode::extents(const char* name, std::size_t count, int fallback) {
  const auto values = ints(name);
  if (!values) return std::vector<int>(count, fallback);
  if (values->size() != count) fail("{} has {} values, not {}", name, values->size(), count);
  std::vector<int> result;
  for (const std::int64_t value : *values) {
    if (value < 0 || value > kMaxOnnxExtent) fail("{} holds {}", name, value);
    result.push_back(static_cast<int>(value));
  }
  return result;
}

std::int64_t OnnxNode::integer(const char* name, std::int64_t fallback) {
  const onnx::AttributeProto* const found = take(name, onnx::AttributeProto::INT);
  return found == nullptr ? fallback : found->i();
}

float OnnxNode::real(const char* name, float fallback) {
  const onnx::AttributeProto* const found = take(name, onnx::AttributeProto::FLOAT);
  return found == nullptr ? fallback : found->f();
}

std::string OnnxNode::text(const char* name, const std::string& fallback) {
  const onnx::AttributeProto* const found = take(name, onnx::AttributeProto::STRING);
  return found == nullptr ? fallback : found->s();
}

const onnx::TensorProto* OnnxNode::tensor(const char* name) {
  const onnx::AttributeProto* const found = take(name, onnx::AttributeProto::TENSOR);
  return found == nullptr ? nullptr : &found->t();
}

void OnnxNode::ignore(const char* name) {
  take(name);
}

void OnnxNode::require(const char* name, std::int64_t expected, std::int64_t fallback) {
  const std::int64_t value = integer(name, fallback);
  if (value != expected) fail("{} is {}, only {} is read", name, value, expected);
}

void OnnxNode::require(const char* name, float expected, float fallback) {
  const float value = real(name, fallback);
  // Exporters write 1/6 with as few as six digits.
  if (!(std::abs(value - expected) <= 1e-5F)) {
    fail("{} is {}, only {} is read", name, value, expected);
  }
}

void OnnxNode::finish() const {
  if (taken_ != proto_.attribute_size()) fail("has attributes that are not read");
}

}  // namespace hwnas::exporters
