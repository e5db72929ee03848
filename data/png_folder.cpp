#include <png.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/text.hpp"
#include "data/readers.hpp"
#include "data/reading.hpp"

namespace hwnas::data {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kMaxFileBytes = 64 << 20;
constexpr png_uint_32 kMaxSide = 4096;

/// The files or folders in a folder, hidden ones apart, in the order of their names.
std::vector<fs::path> entries_of(const fs::path& folder) {
  std::vector<fs::path> entries;
  std::error_code failure;
  for (fs::directory_iterator it(folder, failure), end; !failure && it != end;
       it.increment(failure)) {
    if (!it->path().filename().string().starts_with('.')) entries.push_back(it->path());
  }
  if (failure) {
    throw error(failure == std::errc::no_such_file_or_directory ? ErrorCode::kNotFound
                                                                : ErrorCode::kInvalidArgument,
                "{}: cannot list the folder: {}", one_line(folder.string()), failure.message());
  }
  std::ranges::sort(entries);
  return entries;
}

/// libpng's state of one image.
struct PngImage : png_image {
  PngImage() : png_image{} { version = PNG_IMAGE_VERSION; }
  ~PngImage() { png_image_free(this); }
  PngImage(const PngImage&) = delete;
  PngImage& operator=(const PngImage&) = delete;
};

/// One PNG file, decoded by libpng's simplified interface.
class PngFile {
 public:
  explicit PngFile(const fs::path& file) : file_(file), bytes_(read_file(file, kMaxFileBytes)) {
    if (!png_image_begin_read_from_memory(&image_, bytes_.data(), bytes_.size())) fail_by_libpng();
    // libpng stops before the last chunk, so it would not miss the end of a cut file.
    static constexpr std::string_view kEnd("\0\0\0\0IEND\xae\x42\x60\x82", 12);
    if (!bytes_.ends_with(kEnd)) {
      fail(fmt::format("truncated: no IEND chunk ends it at byte {}", bytes_.size()));
    }
    if (image_.width > kMaxSide || image_.height > kMaxSide) {
      fail(fmt::format("{}x{} pixels, but at most {}x{} are read", image_.width, image_.height,
                       kMaxSide, kMaxSide));
    }
    if (image_.format & PNG_FORMAT_FLAG_ALPHA) fail("it has transparency; save it without");
  }

  ir::Shape shape() const {
    return {image_.format & PNG_FORMAT_FLAG_COLOR ? 3 : 1, static_cast<int>(image_.height),
            static_cast<int>(image_.width)};
  }

  /// Appends the pixels plane by plane.
  void append_to(std::vector<std::uint8_t>& bytes) {
    const auto channels = static_cast<std::size_t>(shape().channels);
    image_.format = channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
    std::vector<std::uint8_t> pixels(PNG_IMAGE_SIZE(image_));
    if (!png_image_finish_read(&image_, nullptr, pixels.data(), 0, nullptr)) fail_by_libpng();
    for (std::size_t channel = 0; channel < channels; ++channel) {
      for (std::size_t i = channel; i < pixels.size(); i += channels) bytes.push_back(pixels[i]);
    }
  }

  [[noreturn]] void fail(const std::string& message) const {
    throw invalid_argument("{}: {}", one_line(file_.string()), message);
  }

 private:
  [[noreturn]] void fail_by_libpng() const {
    fail(fmt::format("not a readable PNG image of {} bytes: {}", bytes_.size(),
                     one_line(image_.message)));
  }

  fs::path file_;
  std::string bytes_;
  PngImage image_;
};

void append_image(const fs::path& file, std::int64_t label, Dataset& dataset) {
  if (file.extension() != ".png") {
    throw invalid_argument("{}: not a .png file; move it elsewhere", one_line(file.string()));
  }
  PngFile png(file);
  const ir::Shape shape = png.shape();
  if (dataset.labels.empty()) dataset.shape = shape;
  if (shape != dataset.shape) {
    png.fail(
        fmt::format("{}x{}x{} (channels x height x width), but the images before it are "
                    "{}x{}x{}",
                    shape.channels, shape.height, shape.width, dataset.shape.channels,
                    dataset.shape.height, dataset.shape.width));
  }
  if (dataset.bytes.size() + static_cast<std::size_t>(shape.elements()) > kMaxBytes) {
    png.fail(fmt::format("the data set takes more than {} bytes", kMaxBytes));
  }
  png.append_to(dataset.bytes);
  dataset.labels.push_back(label);
}

Dataset read_part(const fs::path& folder, const std::vector<std::string>& classes) {
  Dataset dataset;
  dataset.class_names = classes;
  for (const fs::path& class_folder : entries_of(folder)) {
    const auto it = std::ranges::find(classes, class_folder.filename().string());
    if (it == classes.end()) {
      throw invalid_argument("{}: no folder of training images has this name",
                             one_line(class_folder.string()));
    }
    for (const fs::path& file : entries_of(class_folder)) {
      append_image(file, it - classes.begin(), dataset);
    }
  }
  return dataset;
}

}  // namespace

DataSource read_png_folder(const Config& options, const fs::path& folder) {
  options.require_known_keys({"name", "folder"});
  const fs::path place = path_option(options, "folder", folder);
  std::vector<std::string> classes;
  for (const fs::path& entry : entries_of(place / "train")) {
    classes.push_back(entry.filename().string());
  }
  classes = in_class_order(std::move(classes));
  DataSource source{read_part(place / "train", classes), read_part(place / "test", classes)};
  require_consistent(options, source);
  return source;
}

}  // namespace hwnas::data
