#include <array>
#include <utility>

#include "core/error.hpp"
#include "core/text.hpp"
#include "data/readers.hpp"
#include "data/reading.hpp"

namespace hwnas::data {
namespace {

namespace fs = std::filesystem;

struct IdxFiles {
  fs::path train_images;
  fs::path train_labels;
  fs::path test_images;
  fs::path test_labels;
};

/// The extents that the header of an IDX file of unsigned bytes announces, all bytes there.
std::vector<std::uint64_t> read_header(ByteReader& reader) {
  constexpr std::uint8_t kUnsignedByte = 0x08;
  const std::string_view magic = reader.take(4, "the magic number");
  if (!magic.starts_with(std::string_view("\0\0", 2))) {
    reader.fail_at(0, "not an IDX file: its first two bytes are not 0");
  }
  if (magic[2] != kUnsignedByte) {
    reader.fail_at(2, fmt::format("element type 0x{:02x}, but only unsigned bytes (0x08) are read",
                                  static_cast<unsigned char>(magic[2])));
  }
  std::vector<std::uint64_t> extents;
  for (int left = static_cast<unsigned char>(magic[3]); left > 0; --left) {
    extents.push_back(reader.take_big_endian_uint32("an extent"));
  }
  if (extents.empty()) reader.fail_at(3, "the array has no dimension");
  reader.require_rest_is_array(extents, 1);
  return extents;
}

Dataset read_images(const fs::path& file) {
  ByteReader reader(file);
  const std::vector<std::uint64_t> extents = read_header(reader);
  if (extents.size() != 3 && extents.size() != 4) {
    reader.fail_at(3, fmt::format("{} dimensions, but images have 3 (samples, height, width) or 4 "
                                  "(samples, channels, height, width)",
                                  extents.size()));
  }
  const std::size_t last = extents.size() - 1;
  Dataset dataset;
  dataset.shape.channels = extents.size() == 4 ? static_cast<int>(extents[1]) : 1;
  dataset.shape.height = static_cast<int>(extents[last - 1]);
  dataset.shape.width = static_cast<int>(extents[last]);
  const std::string_view pixels = reader.take(reader.left(), "the images");
  dataset.bytes.assign(pixels.begin(), pixels.end());
  return dataset;
}

LabelArray read_labels(const fs::path& file) {
  ByteReader reader(file);
  const std::vector<std::uint64_t> extents = read_header(reader);
  if (extents.size() != 1) {
    reader.fail_at(3, fmt::format("{} dimensions, but labels have 1", extents.size()));
  }
  const std::size_t first_byte = reader.position();
  std::vector<std::int64_t> values;
  for (const char byte : reader.take(reader.left(), "the labels")) {
    values.push_back(static_cast<unsigned char>(byte));
  }
  return {std::move(reader), first_byte, 1, std::move(values)};
}

std::size_t sample_count(const Dataset& dataset) {
  return dataset.bytes.size() / static_cast<std::size_t>(dataset.shape.elements());
}

DataSource read_files(const Config& options, std::vector<std::string> class_names,
                      const IdxFiles& files) {
  DataSource source{read_images(files.train_images), read_images(files.test_images)};
  assign_labels(std::move(class_names), read_labels(files.train_labels),
                read_labels(files.test_labels), sample_count(source.train),
                sample_count(source.test), source);
  require_consistent(options, source);
  return source;
}

/// folder/name or folder/name.gz, whichever there is.
fs::path find_packed(const fs::path& folder, const std::string& name) {
  for (const fs::path& file : {folder / name, folder / (name + ".gz")}) {
    std::error_code unreadable;
    if (fs::exists(file, unreadable)) return file;
  }
  throw error(ErrorCode::kNotFound,
              "{}: no {}.gz there; install it with `apt-get install dataset-fashion-mnist`, or say "
              "where it is by the option 'folder'",
              one_line(folder.string()), name);
}

}  // namespace

DataSource read_idx(const Config& options, const fs::path& folder) {
  options.require_known_keys(
      {"name", "train_images", "train_labels", "test_images", "test_labels", "classes"});
  return read_files(
      options, classes_option(options),
      {path_option(options, "train_images", folder), path_option(options, "train_labels", folder),
       path_option(options, "test_images", folder), path_option(options, "test_labels", folder)});
}

DataSource read_fashion_mnist(const Config& options, const fs::path& folder) {
  // The order of the labels in the data set's README.
  static constexpr std::array kClasses = {"T-shirt/top", "Trouser",   "Pullover", "Dress",
                                          "Coat",        "Sandal",    "Shirt",    "Sneaker",
                                          "Bag",         "Ankle boot"};
  options.require_known_keys({"name", "folder"});
  const fs::path place = folder / options.string_or("folder", "/usr/share/datasets/fashion-mnist");
  return read_files(
      options, {kClasses.begin(), kClasses.end()},
      {find_packed(place, "train-images-idx3-ubyte"), find_packed(place, "train-labels-idx1-ubyte"),
       find_packed(place, "t10k-images-idx3-ubyte"), find_packed(place, "t10k-labels-idx1-ubyte")});
}

}  // namespace hwnas::data
