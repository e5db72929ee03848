#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "data/dataset.hpp"
#include "tests/core/temporary_folder.hpp"

namespace hwnas::data {

/// A small data set on disk, and what a reader must make of it.
struct Fixture {
  std::string options;             ///< YAML, paths relative to the folder
  std::vector<std::string> files;  ///< all that are read, relative to the folder
  DataSource expected;
};

/// Writes the files of the reader's fixture. Throws std::out_of_range for a reader without one.
Fixture write_fixture(std::string_view reader, const TemporaryFolder& folder);

/// An IDX file of unsigned bytes.
std::string idx(const std::vector<int>& extents, std::string_view bytes);
/// A .npy file of version 1 or 2; `shape` as in the header: "(2, 3)".
std::string npy(std::string_view type, std::string_view shape, std::string_view bytes,
                int version = 1);
/// A PNG file of 8 bits: rows of pixels of 1 (grey), 3 (RGB) or 4 (RGBA) bytes.
std::string png(int channels, int height, int width, const std::vector<std::uint8_t>& pixels);

/// The bytes of numbers in memory's order.
template <typename T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

}  // namespace hwnas::data
