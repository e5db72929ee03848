#include "data/reading.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/text.hpp"

namespace hwnas::data {
namespace {

constexpr std::int64_t kMaxClasses = 65'536;

std::uint64_t little_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) {
    value = value << 8 | static_cast<unsigned char>(bytes[i]);
  }
  return value;
}

/// "0", "1", ... up to the largest label.
std::vector<std::string> numbered_classes(const LabelArray& labels) {
  std::vector<std::string> names;
  const auto largest = std::ranges::max_element(labels.values);
  if (largest == labels.values.end()) return names;
  if (*largest >= kMaxClasses) {
    const auto index = static_cast<std::size_t>(largest - labels.values.begin());
    labels.source.fail_at(
        labels.first_byte + index * labels.bytes_each,
        fmt::format("label {}, but at most {} classes are read", *largest, kMaxClasses));
  }
  for (std::int64_t label = 0; label <= *largest; ++label) names.push_back(std::to_string(label));
  return names;
}

void assign_labels(const LabelArray& labels, std::size_t samples,
                   const std::vector<std::string>& names, Dataset& dataset) {
  if (labels.values.size() != samples) {
    labels.source.fail_at(
        0, fmt::format("{} labels, but there are {} samples", labels.values.size(), samples));
  }
  for (std::size_t i = 0; i < samples; ++i) {
    const std::int64_t label = labels.values[i];
    if (label >= 0 && label < static_cast<std::int64_t>(names.size())) continue;
    labels.source.fail_at(
        labels.first_byte + i * labels.bytes_each,
        fmt::format("label {} of sample {}, but there are {} classes", label, i, names.size()));
  }
  dataset.labels = labels.values;
  dataset.class_names = names;
}

}  // namespace

ByteReader::ByteReader(std::filesystem::path file)
    : file_(std::move(file)), content_(read_unpacked_file(file_, kMaxBytes)) {}

void ByteReader::fail_at(std::size_t position, const std::string& message) const {
  throw invalid_argument("{}: byte {}: {}", one_line(file_.string()), position, message);
}

std::string_view ByteReader::take(std::size_t count, std::string_view what) {
  if (count > left()) {
    fail(fmt::format("truncated: {} takes {} bytes, but {} are left", what, count, left()));
  }
  position_ += count;
  return std::string_view(content_).substr(position_ - count, count);
}

std::uint32_t ByteReader::take_big_endian_uint32(std::string_view what) {
  return __builtin_bswap32(take_little_endian_uint32(what));
}

std::uint32_t ByteReader::take_little_endian_uint32(std::string_view what) {
  return static_cast<std::uint32_t>(little_endian(take(4, what)));
}

std::uint16_t ByteReader::take_little_endian_uint16(std::string_view what) {
  return static_cast<std::uint16_t>(little_endian(take(2, what)));
}

std::size_t ByteReader::require_rest_is_array(std::span<const std::uint64_t> extents,
                                              std::size_t element_bytes) const {
  if (std::ranges::find(extents, 0u) != extents.end()) {
    fail(fmt::format("the array of {} elements is empty", fmt::join(extents, "x")));
  }
  std::uint64_t elements = 1;
  const std::uint64_t most = left() / element_bytes;
  for (const std::uint64_t extent : extents) {
    // Division instead of a product, which could overflow.
    const bool fits = extent <= most / elements &&
                      extent <= std::uint64_t{std::numeric_limits<std::int32_t>::max()};
    if (!fits) {
      fail(fmt::format("truncated: an array of {} elements is announced, but {} bytes are left",
                       fmt::join(extents, "x"), left()));
    }
    elements *= extent;
  }
  if (elements * element_bytes != left()) {
    fail(fmt::format("{} bytes follow an array of {}", left() - elements * element_bytes,
                     fmt::join(extents, "x")));
  }
  return elements;
}

void assign_labels(std::vector<std::string> names, const LabelArray& train, const LabelArray& test,
                   std::size_t train_samples, std::size_t test_samples, DataSource& source) {
  if (names.empty()) names = numbered_classes(train);
  assign_labels(train, train_samples, names, source.train);
  assign_labels(test, test_samples, names, source.test);
}

std::vector<std::string> classes_option(const Config& options) {
  std::vector<std::string> names;
  const Config* given = options.find("classes");
  if (!given) return names;
  for (const Config& name : given->items()) names.push_back(name.as_string());
  if (names.empty()) given->fail("the list is empty; name each class, or leave it out");
  return names;
}

std::filesystem::path path_option(const Config& options, std::string_view key,
                                  const std::filesystem::path& folder) {
  return folder / options.at(key).as_string();
}

std::vector<std::string> in_class_order(std::vector<std::string> names) {
  const bool numbers = std::ranges::all_of(
      names, [](const std::string& name) { return parse_integer(name).has_value(); });
  std::ranges::sort(names, [&](const std::string& a, const std::string& b) {
    return numbers ? *parse_integer(a) < *parse_integer(b) : a < b;
  });
  return names;
}

void require_consistent(const Config& options, const DataSource& source) {
  const auto& [train, test] = source;
  if (train.size() == 0) options.fail("there is no training sample");
  if (test.size() == 0) options.fail("there is no test sample");
  if (train.shape != test.shape) {
    options.fail(fmt::format("training samples are {}x{}x{}, but test samples are {}x{}x{}",
                             train.shape.channels, train.shape.height, train.shape.width,
                             test.shape.channels, test.shape.height, test.shape.width));
  }
  std::vector<bool> present(train.class_names.size());
  for (const std::int64_t label : train.labels) present[static_cast<std::size_t>(label)] = true;
  const auto absent = std::ranges::find(present, false);
  if (absent != present.end()) {
    const auto label = static_cast<std::size_t>(absent - present.begin());
    options.fail(fmt::format("no training sample has the class {} (label {})",
                             in_quotes(train.class_names[label]), label));
  }
}

}  // namespace hwnas::data
