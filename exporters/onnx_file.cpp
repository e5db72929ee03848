#include "exporters/onnx_file.hpp"

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "core/file.hpp"
#include "exporters/onnx.hpp"

namespace hwnas::exporters {

namespace {

constexpr std::size_t kMaxStructureBytes = std::size_t{1} << 20;

/// Reads the fields of one protobuf message (encoding: protobuf.dev/programming-guides/encoding).
class WireReader {
 public:
  explicit WireReader(std::string_view bytes) : bytes_(bytes) {}

  struct Field {
    std::uint64_t number;
    std::string_view content;  ///< of a length-delimited field
  };
  /// Nothing at the end, or where the message is broken; the parser then refuses it.
  std::optional<Field> next() {
    const std::optional<std::uint64_t> tag = varint();
    if (!tag) return std::nullopt;
    Field field{*tag >> 3, {}};
    switch (*tag & 7) {
      case 0:
        if (!varint()) return std::nullopt;
        return field;
      case 1:
        return skip(8) ? std::optional(field) : std::nullopt;
      case 5:
        return skip(4) ? std::optional(field) : std::nullopt;
      case 2: {
        const std::optional<std::uint64_t> length = varint();
        if (!length || *length > bytes_.size()) return std::nullopt;
        field.content = bytes_.substr(0, *length);
        bytes_.remove_prefix(*length);
        return field;
      }
      default:
        return std::nullopt;
    }
  }

 private:
  std::optional<std::uint64_t> varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64 && !bytes_.empty(); shift += 7) {
      const auto byte = static_cast<std::uint8_t>(bytes_.front());
      bytes_.remove_prefix(1);
      value |= std::uint64_t{byte & 0x7FU} << shift;
      if (byte < 0x80) return value;
    }
    return std::nullopt;
  }
  bool skip(std::size_t count) {
    if (bytes_.size() < count) return false;
    bytes_.remove_prefix(count);
    return true;
  }

  std::string_view bytes_;
};

/// Field numbers of onnx.proto from the model down to values that parsing copies as they are.
const std::vector<std::uint64_t> kPathsToValues[] = {
    {7, 5, 9},        // graph, initializer, raw_data
    {7, 5, 4},        // graph, initializer, float_data
    {7, 1, 5, 5, 9},  // graph, node, attribute, t, raw_data
    {7, 1, 5, 5, 4},  // graph, node, attribute, t, float_data
};

std::size_t bytes_at(std::string_view message, std::span<const std::uint64_t> path) {
  std::size_t bytes = 0;
  WireReader reader(message);
  while (const auto field = reader.next()) {
    if (field->number != path.front()) continue;
    bytes += path.size() == 1 ? field->content.size() : bytes_at(field->content, path.subspan(1));
  }
  return bytes;
}

}  // namespace

onnx::ModelProto read_onnx_proto(const std::filesystem::path& file) {
  const std::string bytes = read_file(file, kMaxOnnxBytes);
  std::size_t values = 0;
  for (const auto& path : kPathsToValues) values += bytes_at(bytes, path);
  if (bytes.size() - values > kMaxStructureBytes) {
    throw invalid_argument(
        "{}: {} bytes beside the values of its tensors, but at most {} are read; export it with "
        "fewer names and descriptions",
        file.string(), bytes.size() - values, kMaxStructureBytes);
  }
  onnx::ModelProto model;
  if (!model.ParseFromString(bytes)) {
    throw invalid_argument("{}: not an ONNX file", file.string());
  }
  return model;
}

}  // namespace hwnas::exporters
