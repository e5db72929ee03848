#include <algorithm>
#include <array>

#include "core/error.hpp"
#include "core/text.hpp"
#include "data/dataset.hpp"
#include "data/readers.hpp"

namespace hwnas::data {
namespace {

constexpr std::array kReaders = {
    ReaderInfo{"fashion_mnist", "Fashion-MNIST, 1x28x28 images of ten kinds of clothes",
               read_fashion_mnist},
    ReaderInfo{"idx", "images in the IDX format of MNIST and its kin", read_idx},
    ReaderInfo{"cifar10", "CIFAR-10 in its binary version, 3x32x32 images", read_cifar10},
    ReaderInfo{"csv_series", "labelled signals as CSV, a row for each channel", read_csv_series},
    ReaderInfo{"npy_series", "labelled signals as NumPy arrays", read_npy_series},
    ReaderInfo{"png_folder", "PNG images in a folder for each class", read_png_folder},
};

}  // namespace

std::span<const ReaderInfo> readers() {
  return kReaders;
}

DataSource read_data(const Config& options, const std::filesystem::path& folder) {
  std::vector<std::string> names;
  for (const ReaderInfo& reader : kReaders) names.emplace_back(reader.name);
  return kReaders.at(options.at("name").as_one_of(names)).read(options, folder);
}

}  // namespace hwnas::data
