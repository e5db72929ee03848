#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/config.hpp"
#include "data/dataset.hpp"

/// What the readers share. A file is never trusted: nothing is allocated from a header before the
/// bytes that it promises are known to be there.
namespace hwnas::data {

/// Largest file, unpacked file or data set.
inline constexpr std::uintmax_t kMaxBytes = std::uintmax_t{4} << 30;

/// A file's bytes, unpacked if they are gzip's, read front to back. Every fault is an Error
/// (kInvalidArgument) "file: byte N: ...", where N counts from 0 in the unpacked bytes.
class ByteReader {
 public:
  explicit ByteReader(std::filesystem::path file);

  const std::filesystem::path& file() const { return file_; }
  std::size_t position() const { return position_; }
  std::size_t left() const { return content_.size() - position_; }

  /// The next `count` bytes; `what` names them in the fault if there are fewer.
  std::string_view take(std::size_t count, std::string_view what);
  std::uint32_t take_big_endian_uint32(std::string_view what);
  std::uint32_t take_little_endian_uint32(std::string_view what);
  std::uint16_t take_little_endian_uint16(std::string_view what);

  /// The number of elements of an array of these extents, which must fill the rest of the file
  /// exactly at `element_bytes` each; no extent may be 0 or above 2^31 - 1.
  std::size_t require_rest_is_array(std::span<const std::uint64_t> extents,
                                    std::size_t element_bytes) const;

  [[noreturn]] void fail(const std::string& message) const { fail_at(position_, message); }
  [[noreturn]] void fail_at(std::size_t position, const std::string& message) const;

 private:
  std::filesystem::path file_;
  std::string content_;
  std::size_t position_ = 0;
};

/// Labels of one file, still unchecked, with where they stand for messages.
struct LabelArray {
  ByteReader source;
  std::size_t first_byte = 0;
  std::size_t bytes_each = 1;
  std::vector<std::int64_t> values;
};

/// Gives both data sets the labels of their files and the class names: `names`, or if there are
/// none "0", "1", ... up to the largest training label. Throws InvalidArgument naming file and byte
/// for a label without a class or a count that is not that of the samples.
void assign_labels(std::vector<std::string> names, const LabelArray& train, const LabelArray& test,
                   std::size_t train_samples, std::size_t test_samples, DataSource& source);

/// The names that the option `classes` lists, or none.
std::vector<std::string> classes_option(const Config& options);

/// The path that an option gives, relative to `folder`.
std::filesystem::path path_option(const Config& options, std::string_view key,
                                  const std::filesystem::path& folder);

/// Class names in the order of their labels: as numbers if all are, else as texts.
std::vector<std::string> in_class_order(std::vector<std::string> names);

/// Throws InvalidArgument, at the options' place, unless both data sets have samples of the same
/// shape and each class has a training sample.
void require_consistent(const Config& options, const DataSource& source);

}  // namespace hwnas::data
