#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>

#include "core/error.hpp"
#include "core/text.hpp"
#include "data/readers.hpp"
#include "data/reading.hpp"

namespace hwnas::data {
namespace {

namespace fs = std::filesystem;

static_assert(std::endian::native == std::endian::little, "elements are copied as they are");

struct NpyHeader {
  std::string type;  ///< NumPy's name, e.g. "<f4"
  bool fortran_order = false;
  std::vector<std::uint64_t> extents;
};

/// Reads the header of the .npy format (NumPy Enhancement Proposal 1): a Python dictionary such as
/// {'descr': '<f4', 'fortran_order': False, 'shape': (40, 6, 100), }
class NpyHeaderParser {
 public:
  explicit NpyHeaderParser(ByteReader& reader) : reader_(reader) {
    if (reader.take(6, "the magic number") != "\x93NUMPY") {
      reader.fail_at(0, "not a .npy file: it does not begin with \\x93NUMPY");
    }
    const std::string_view version = reader.take(2, "the format's version");
    if (version[0] != 1 && version[0] != 2) {
      reader.fail_at(6, fmt::format("version {}, but only 1 and 2 are read",
                                    static_cast<unsigned char>(version[0])));
    }
    const std::size_t size =
        version[0] == 1 ? std::size_t{reader.take_little_endian_uint16("the header's length")}
                        : std::size_t{reader.take_little_endian_uint32("the header's length")};
    begin_ = reader.position();
    text_ = reader.take(size, "the header");
  }

  NpyHeader parse() {
    NpyHeader header;
    std::array<bool, 3> seen{};
    expect("{");
    while (!accept("}")) {
      const std::string_view key = quoted_text();
      expect(":");
      if (key == "descr" && !std::exchange(seen[0], true)) {
        header.type = quoted_text();
      } else if (key == "fortran_order" && !std::exchange(seen[1], true)) {
        header.fortran_order = accept("True");
        if (!header.fortran_order) expect("False");
      } else if (key == "shape" && !std::exchange(seen[2], true)) {
        header.extents = tuple();
      } else {
        fail(fmt::format("unexpected or repeated key {}", in_quotes(key)));
      }
      if (!accept(",")) {
        expect("}");
        break;
      }
    }
    skip_spaces();
    if (position_ != text_.size()) fail("text after the dictionary");
    if (!seen[0] || !seen[1] || !seen[2]) fail("'descr', 'fortran_order' or 'shape' is missing");
    return header;
  }

 private:
  [[noreturn]] void fail(const std::string& message) const {
    reader_.fail_at(begin_ + position_, "bad .npy header: " + message);
  }

  void skip_spaces() {
    position_ = std::min(text_.find_first_not_of(" \n", position_), text_.size());
  }

  bool accept(std::string_view token) {
    skip_spaces();
    if (!text_.substr(position_).starts_with(token)) return false;
    position_ += token.size();
    return true;
  }

  void expect(std::string_view token) {
    if (!accept(token)) fail(fmt::format("expected {}", in_quotes(token)));
  }

  std::string_view quoted_text() {
    expect("'");
    const std::size_t end = text_.find('\'', position_);
    if (end == std::string_view::npos) fail("a quote does not end");
    return text_.substr(std::exchange(position_, end + 1), end - position_);
  }

  std::vector<std::uint64_t> tuple() {
    std::vector<std::uint64_t> extents;
    expect("(");
    while (!accept(")")) {
      extents.push_back(extent());
      if (!accept(",")) {
        expect(")");
        break;
      }
    }
    return extents;
  }

  std::uint64_t extent() {
    skip_spaces();
    const std::size_t end =
        std::min(text_.find_first_not_of("0123456789", position_), text_.size());
    const auto value = parse_integer(text_.substr(position_, end - position_));
    if (!value) fail("expected an extent");
    position_ = end;
    return static_cast<std::uint64_t>(*value);
  }

  ByteReader& reader_;
  std::string_view text_;
  std::size_t begin_ = 0;
  std::size_t position_ = 0;
};

NpyHeader read_header(ByteReader& reader) {
  const NpyHeader header = NpyHeaderParser(reader).parse();
  if (header.fortran_order) {
    reader.fail("the array is in Fortran order; save numpy.ascontiguousarray of it");
  }
  return header;
}

template <typename Element>
Element element_at(std::string_view bytes, std::size_t index) {
  Element value;
  std::memcpy(&value, bytes.data() + index * sizeof(Element), sizeof(Element));
  return value;
}

/// The rest of the file as an array of Element, each converted to To.
template <typename Element, typename To>
std::vector<To> take_array(ByteReader& reader, const NpyHeader& header) {
  const std::size_t begin = reader.position();
  const std::size_t count = reader.require_rest_is_array(header.extents, sizeof(Element));
  const std::string_view bytes = reader.take(count * sizeof(Element), "the array");
  std::vector<To> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto value = element_at<Element>(bytes, i);
    if constexpr (std::is_floating_point_v<Element>) {
      const bool fits = std::abs(value) <= std::numeric_limits<To>::max();  // false for NaN
      if (!fits) {
        reader.fail_at(begin + i * sizeof(Element), "the value is not a finite number of 32 bits");
      }
    }
    values[i] = static_cast<To>(value);
  }
  return values;
}

Dataset read_values(const fs::path& file) {
  ByteReader reader(file);
  const NpyHeader header = read_header(reader);
  const std::vector<std::uint64_t>& extents = header.extents;
  if (extents.size() != 2 && extents.size() != 3) {
    reader.fail(
        fmt::format("{} dimensions, but signals have 2 (samples, time) or 3 (samples, "
                    "channels, time)",
                    extents.size()));
  }
  Dataset dataset;
  if (header.type == "<f4") {
    dataset.floats = take_array<float, float>(reader, header);
  } else if (header.type == "<f8") {
    dataset.floats = take_array<double, float>(reader, header);
  } else if (header.type == "<i2") {
    dataset.floats = take_array<std::int16_t, float>(reader, header);
  } else {
    reader.fail(fmt::format("element type {}, but signals are '<f4', '<f8' or '<i2'",
                            in_quotes(header.type)));
  }
  dataset.shape.channels = extents.size() == 3 ? static_cast<int>(extents[1]) : 1;
  dataset.shape.width = static_cast<int>(extents.back());
  return dataset;
}

std::optional<LabelArray> take_labels(ByteReader& reader, const NpyHeader& header) {
  const std::size_t begin = reader.position();
  const auto take = [&]<typename Element>(Element) {
    return LabelArray{reader, begin, sizeof(Element),
                      take_array<Element, std::int64_t>(reader, header)};
  };
  if (header.type == "|u1") return take(std::uint8_t{});
  if (header.type == "|i1") return take(std::int8_t{});
  if (header.type == "<u2") return take(std::uint16_t{});
  if (header.type == "<i2") return take(std::int16_t{});
  if (header.type == "<u4") return take(std::uint32_t{});
  if (header.type == "<i4") return take(std::int32_t{});
  // A label above 2^63 becomes negative and is refused as such.
  if (header.type == "<u8") return take(std::uint64_t{});
  if (header.type == "<i8") return take(std::int64_t{});
  return std::nullopt;
}

LabelArray read_labels(const fs::path& file) {
  ByteReader reader(file);
  const NpyHeader header = read_header(reader);
  if (header.extents.size() != 1) {
    reader.fail(fmt::format("{} dimensions, but labels have 1", header.extents.size()));
  }
  std::optional<LabelArray> labels = take_labels(reader, header);
  if (!labels) {
    reader.fail(fmt::format("element type {}, but labels are integers such as '<i8'",
                            in_quotes(header.type)));
  }
  return std::move(*labels);
}

std::size_t sample_count(const Dataset& dataset) {
  return dataset.floats.size() / static_cast<std::size_t>(dataset.shape.elements());
}

}  // namespace

DataSource read_npy_series(const Config& options, const fs::path& folder) {
  options.require_known_keys(
      {"name", "train_values", "train_labels", "test_values", "test_labels", "classes"});
  DataSource source{read_values(path_option(options, "train_values", folder)),
                    read_values(path_option(options, "test_values", folder))};
  assign_labels(classes_option(options), read_labels(path_option(options, "train_labels", folder)),
                read_labels(path_option(options, "test_labels", folder)),
                sample_count(source.train), sample_count(source.test), source);
  require_consistent(options, source);
  return source;
}

}  // namespace hwnas::data
