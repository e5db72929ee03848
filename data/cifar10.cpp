#include <array>

#include "core/error.hpp"
#include "core/text.hpp"
#include "data/readers.hpp"
#include "data/reading.hpp"

namespace hwnas::data {
namespace {

namespace fs = std::filesystem;

constexpr ir::Shape kShape{3, 32, 32};
constexpr std::size_t kPixels = 3 * 32 * 32;
constexpr std::size_t kRecordBytes = 1 + kPixels;

// The order of the labels in the data set's batches.meta.txt.
constexpr std::array kClasses = {"airplane", "automobile", "bird",  "cat",  "deer",
                                 "dog",      "frog",       "horse", "ship", "truck"};

/// Appends the records of one file and returns how many there were.
std::size_t append_batch(const fs::path& file, Dataset& dataset) {
  ByteReader reader(file);
  if (reader.left() == 0) reader.fail("the file is empty");
  std::size_t records = 0;
  for (; reader.left() > 0; ++records) {
    const std::string_view record = reader.take(kRecordBytes, "an image with its label");
    const auto label = static_cast<unsigned char>(record[0]);
    if (label >= kClasses.size()) {
      reader.fail_at(reader.position() - kRecordBytes,
                     fmt::format("label {}, but there are {} classes", label, kClasses.size()));
    }
    dataset.labels.push_back(label);
    dataset.bytes.insert(dataset.bytes.end(), record.begin() + 1, record.end());
  }
  return records;
}

}  // namespace

DataSource read_cifar10(const Config& options, const fs::path& folder) {
  options.require_known_keys({"name", "folder"});
  const fs::path place = path_option(options, "folder", folder);
  const std::vector<std::string> names(kClasses.begin(), kClasses.end());
  DataSource source;
  source.train.shape = source.test.shape = kShape;
  source.train.class_names = source.test.class_names = names;
  const std::size_t expected = append_batch(place / "test_batch.bin", source.test);
  for (int batch = 1; batch <= 5; ++batch) {
    const fs::path file = place / fmt::format("data_batch_{}.bin", batch);
    const std::size_t records = append_batch(file, source.train);
    // A file that is cut between two records shows by its length alone.
    if (records != expected) {
      throw invalid_argument("{}: byte {}: {} images, but test_batch.bin has {}; is one cut?",
                             one_line(file.string()), records * kRecordBytes, records, expected);
    }
  }
  require_consistent(options, source);
  return source;
}

}  // namespace hwnas::data
