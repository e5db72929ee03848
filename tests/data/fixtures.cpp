#include "tests/data/fixtures.hpp"

#include <fmt/format.h>
#include <png.h>

#include <map>
#include <numeric>
#include <stdexcept>

#include "tests/core/gzip.hpp"

namespace hwnas::data {
namespace {

/// 0, 7, 14, ... modulo 256: no two neighbours are equal, and no symmetry hides a wrong order.
std::vector<std::uint8_t> pattern(std::size_t count, int first = 0) {
  std::vector<std::uint8_t> bytes(count);
  for (std::size_t i = 0; i < count; ++i) {
    bytes[i] = static_cast<std::uint8_t>(static_cast<std::size_t>(first) + 7 * i);
  }
  return bytes;
}

std::string text_of(const std::vector<std::uint8_t>& bytes) {
  return {bytes.begin(), bytes.end()};
}

Fixture write_idx(const TemporaryFolder& folder) {
  const Dataset train{{2, 3, 4}, pattern(4 * 24), {}, {1, 0, 2, 1}, {"a", "b", "c"}};
  const Dataset test{{2, 3, 4}, pattern(2 * 24, 5), {}, {2, 0}, {"a", "b", "c"}};
  folder.write("train.idx", idx({4, 2, 3, 4}, text_of(train.bytes)));
  folder.write("train_labels.idx.gz", gzip(idx({4}, std::string("\1\0\2\1", 4))));
  folder.write("test.idx.gz", gzip(idx({2, 2, 3, 4}, text_of(test.bytes))));
  folder.write("test_labels.idx", idx({2}, std::string("\2\0", 2)));
  return {
      "{ name: idx, train_images: train.idx, train_labels: train_labels.idx.gz, test_images: "
      "test.idx.gz, test_labels: test_labels.idx, classes: [a, b, c] }",
      {"train.idx", "train_labels.idx.gz", "test.idx.gz", "test_labels.idx"},
      {train, test}};
}

Fixture write_fashion_mnist(const TemporaryFolder& folder) {
  std::vector<std::int64_t> labels(10);
  std::iota(labels.begin(), labels.end(), 0);
  const std::vector<std::string> classes = {"T-shirt/top", "Trouser",   "Pullover", "Dress",
                                            "Coat",        "Sandal",    "Shirt",    "Sneaker",
                                            "Bag",         "Ankle boot"};
  const Dataset train{{1, 2, 2}, pattern(40), {}, labels, classes};
  const Dataset test{{1, 2, 2}, pattern(4, 9), {}, {9}, classes};
  const std::string digits("\0\1\2\3\4\5\6\7\x8\x9", 10);
  folder.write("f/train-images-idx3-ubyte", idx({10, 2, 2}, text_of(train.bytes)));
  folder.write("f/train-labels-idx1-ubyte", idx({10}, digits));
  folder.write("f/t10k-images-idx3-ubyte.gz", gzip(idx({1, 2, 2}, text_of(test.bytes))));
  folder.write("f/t10k-labels-idx1-ubyte.gz", gzip(idx({1}, "\x9")));
  return {"{ name: fashion_mnist, folder: f }",
          {"f/train-images-idx3-ubyte", "f/train-labels-idx1-ubyte", "f/t10k-images-idx3-ubyte.gz",
           "f/t10k-labels-idx1-ubyte.gz"},
          {train, test}};
}

Fixture write_cifar10(const TemporaryFolder& folder) {
  const std::vector<std::string> classes = {"airplane", "automobile", "bird",  "cat",  "deer",
                                            "dog",      "frog",       "horse", "ship", "truck"};
  constexpr std::size_t kPixels = 3 * 32 * 32;
  Fixture fixture{"{ name: cifar10, folder: . }", {}, {}};
  auto& [train, test] = fixture.expected;
  train.shape = test.shape = {3, 32, 32};
  train.class_names = test.class_names = classes;
  const auto write = [&](const std::string& name, int first_label, Dataset& dataset) {
    std::string file;
    for (int label = first_label; label < first_label + 2; ++label) {
      const std::vector<std::uint8_t> image = pattern(kPixels, label);
      file += static_cast<char>(label);
      file += text_of(image);
      dataset.labels.push_back(label);
      dataset.bytes.insert(dataset.bytes.end(), image.begin(), image.end());
    }
    folder.write(name, file);
    fixture.files.push_back(name);
  };
  for (int batch = 1; batch <= 5; ++batch) {
    write(fmt::format("data_batch_{}.bin", batch), 2 * batch - 2, train);
  }
  write("test_batch.bin", 3, test);
  return fixture;
}

// Packed, as only then every cut shows; csv_series_test has the cuts of plain text.
Fixture write_csv_series(const TemporaryFolder& folder) {
  folder.write("train.csv.gz", gzip("sample,label,channel,t0..\n"
                                    "0,walk,0,1,2,3\n0,walk,1,-1,-2.5,-3e1\n"
                                    "1,run,0,4,5,6\n1,run,1,7,8,9\n"));
  folder.write("test.csv.gz", gzip("sample,label,channel,t0,t1,t2\r\n"
                                   "7,run,0,0.5,0,0\r\n7,run,1,0,0,0.25\r\n"));
  return {"{ name: csv_series, train: train.csv.gz, test: test.csv.gz }",
          {"train.csv.gz", "test.csv.gz"},
          {{{2, 1, 3}, {}, {1, 2, 3, -1, -2.5, -30, 4, 5, 6, 7, 8, 9}, {1, 0}, {"run", "walk"}},
           {{2, 1, 3}, {}, {0.5, 0, 0, 0, 0, 0.25}, {0}, {"run", "walk"}}}};
}

Fixture write_npy_series(const TemporaryFolder& folder) {
  folder.write("x.npy", npy("<f4", "(2, 2, 3)",
                            bytes_of<float>({1, 2, 3, 4, 5, 6, -1, -2, -3, -4, -5, -6.5})));
  folder.write("y.npy", npy("<i8", "(2,)", bytes_of<std::int64_t>({1, 0})));
  folder.write("tx.npy",
               npy("<i2", "(1, 2, 3)", bytes_of<std::int16_t>({9, 8, 7, -6, -5, 300}), 2));
  folder.write("ty.npy", npy("|u1", "(1,)", "\1"));
  return {
      "{ name: npy_series, train_values: x.npy, train_labels: y.npy, test_values: tx.npy, "
      "test_labels: ty.npy }",
      {"x.npy", "y.npy", "tx.npy", "ty.npy"},
      {{{2, 1, 3}, {}, {1, 2, 3, 4, 5, 6, -1, -2, -3, -4, -5, -6.5}, {1, 0}, {"0", "1"}},
       {{2, 1, 3}, {}, {9, 8, 7, -6, -5, 300}, {1}, {"0", "1"}}}};
}

Fixture write_png_folder(const TemporaryFolder& folder) {
  // R G B of each pixel in the file, R plane, G plane, B plane in the data set.
  folder.write("p/train/cat/1.png", png(3, 1, 2, {1, 2, 3, 4, 5, 6}));
  folder.write("p/train/cat/2.png", png(3, 1, 2, {11, 12, 13, 14, 15, 16}));
  folder.write("p/train/dog/1.png", png(3, 1, 2, {250, 0, 128, 99, 98, 97}));
  folder.write("p/test/dog/1.png", png(3, 1, 2, {7, 8, 9, 10, 20, 30}));
  folder.write("p/train/cat/.hidden", "passed over");
  return {"{ name: png_folder, folder: p }",
          {"p/train/cat/1.png", "p/train/cat/2.png", "p/train/dog/1.png", "p/test/dog/1.png"},
          {{{3, 1, 2},
            {1, 4, 2, 5, 3, 6, 11, 14, 12, 15, 13, 16, 250, 99, 0, 98, 128, 97},
            {},
            {0, 0, 1},
            {"cat", "dog"}},
           {{3, 1, 2}, {7, 10, 8, 20, 9, 30}, {}, {1}, {"cat", "dog"}}}};
}

}  // namespace

Fixture write_fixture(std::string_view reader, const TemporaryFolder& folder) {
  static const std::map<std::string_view, Fixture (*)(const TemporaryFolder&)> kWriters = {
      {"fashion_mnist", write_fashion_mnist},
      {"idx", write_idx},
      {"cifar10", write_cifar10},
      {"csv_series", write_csv_series},
      {"npy_series", write_npy_series},
      {"png_folder", write_png_folder},
  };
  return kWriters.at(reader)(folder);
}

std::string idx(const std::vector<int>& extents, std::string_view bytes) {
  std::string file("\0\0\x08", 3);
  file += static_cast<char>(extents.size());
  for (const int extent : extents) {
    for (int shift = 24; shift >= 0; shift -= 8) file += static_cast<char>(extent >> shift);
  }
  return file.append(bytes);
}

std::string npy(std::string_view type, std::string_view shape, std::string_view bytes,
                int version) {
  const std::string header =
      fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': {}, }}   \n", type, shape);
  std::string file = "\x93NUMPY";
  file += static_cast<char>(version);
  file += '\0';
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i) {
    file += static_cast<char>(header.size() >> (8 * i));
  }
  return (file + header).append(bytes);
}

std::string png(int channels, int height, int width, const std::vector<std::uint8_t>& pixels) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(width);
  image.height = static_cast<png_uint_32>(height);
  image.format = channels == 1 ? PNG_FORMAT_GRAY : channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_RGBA;
  std::string file(1 << 16, '\0');
  png_alloc_size_t size = file.size();
  if (!png_image_write_to_memory(&image, file.data(), &size, 0, pixels.data(), 0, nullptr)) {
    throw std::runtime_error(image.message);
  }
  file.resize(size);
  return file;
}

}  // namespace hwnas::data
