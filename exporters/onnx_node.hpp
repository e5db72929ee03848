#pragma once

#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include <optional>
#include <string>
#include <vector>

#include "core/error.hpp"

namespace hwnas::exporters {

/// Largest extent, window, stride and padding that is read: ir::infer_shapes' limit.
inline constexpr std::int64_t kMaxOnnxExtent = std::int64_t{1} << 24;

/// One node of a file, whose attributes are taken one by one; finish() refuses what is left over.
/// Everything throws InvalidArgument naming the node.
class OnnxNode {
 public:
  explicit OnnxNode(const onnx::NodeProto& proto) : proto_(proto) {}

  const onnx::NodeProto& proto() const { return proto_; }
  int inputs() const { return proto_.input_size(); }
  /// Name of an input, "" if it is left out.
  std::string input(int position) const {
    return position < proto_.input_size() ? proto_.input(position) : std::string();
  }
  bool has_input(int position) const { return !input(position).empty(); }

  template <typename... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
    throw invalid_argument("node '{}' ({}): {}", proto_.name(), proto_.op_type(),
                           fmt::format(format, std::forward<Args>(args)...));
  }
  void require_inputs(int min, int max) const;

  std::optional<std::vector<std::int64_t>> ints(const char* name);
  /// `count` values of 0..kMaxOnnxExtent, or `fallback` so many times.
  std::vector<int> extents(const char* name, std::size_t count, int fallback);
  std::int64_t integer(const char* name, std::int64_t fallback);
  float real(const char* name, float fallback);
  std::string text(const char* name, const std::string& fallback);
  /// The tensor of a Constant; null if there is none.
  const onnx::TensorProto* tensor(const char* name);
  void ignore(const char* name);

  void require(const char* name, std::int64_t expected, std::int64_t fallback);
  void require(const char* name, float expected, float fallback);
  void finish() const;

 private:
  /// An attribute of any type counts as taken; null if it is not there.
  const onnx::AttributeProto* take(const char* name);
  const onnx::AttributeProto* take(const char* name, onnx::AttributeProto::AttributeType type);

  const onnx::NodeProto& proto_;
  int taken_ = 0;
};

}  // namespace hwnas::exporters
