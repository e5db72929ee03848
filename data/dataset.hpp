#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/config.hpp"
#include "ir/network.hpp"

namespace hwnas::data {

/// Labelled samples of one shape as plain arrays. Images keep their bytes (uint8, NCHW order) and
/// signals their floats; exactly one of the two vectors is used.
struct Dataset {
  ir::Shape shape;
  std::vector<std::uint8_t> bytes;   ///< size() x shape.elements(), or empty
  std::vector<float> floats;         ///< size() x shape.elements(), or empty
  std::vector<std::int64_t> labels;  ///< 0 .. class_names.size() − 1
  std::vector<std::string> class_names;

  std::size_t size() const { return labels.size(); }
  bool is_bytes() const { return !bytes.empty(); }
};

/// x' = (x − mean[c]) / std_dev[c], with bytes first scaled to 0..1.
struct Normalisation {
  std::vector<float> mean;
  std::vector<float> std_dev;
};
/// Per channel, over the given samples only (the training ones). A constant channel gets std_dev 1.
Normalisation measure_normalisation(const Dataset& dataset, std::span<const std::size_t> samples);

/// Training and test data as the readers give them.
struct DataSource {
  Dataset train;
  Dataset test;
};

/// A row of the registry of named data sets and file formats.
struct ReaderInfo {
  std::string_view name;
  std::string_view summary;
  DataSource (*read)(const Config& options, const std::filesystem::path& folder);
};
/// All readers: fashion_mnist, idx, cifar10, csv_series, npy_series, png_folder.
std::span<const ReaderInfo> readers();

/// `options` is the experiment's `data` map: `name` is a row of readers(), the other keys are the
/// reader's (data/readers.hpp). Relative paths in them are relative to `folder`. Throws NotFound
/// when a file is missing (the message says how to get it), InvalidArgument when it is truncated,
/// corrupt, mislabelled or empty, naming the file and the byte or line.
DataSource read_data(const Config& options, const std::filesystem::path& folder = {});

/// Indices of samples, disjoint, each class in proportion (to within one sample).
struct Split {
  std::vector<std::size_t> train;
  std::vector<std::size_t> validation;
};
/// Stratified, by seed, each side in ascending order. fraction in (0, 1); every class keeps at
/// least one sample on each side or the call throws InvalidArgument naming the class.
Split stratified_split(const Dataset& dataset, double validation_fraction, std::uint64_t seed);
/// A stratified sample of `count` of the given indices (all of them if count is 0 or larger), by
/// seed, in ascending order; a class may go empty if `count` is small.
std::vector<std::size_t> stratified_subset(const Dataset& dataset,
                                           std::span<const std::size_t> indices, std::size_t count,
                                           std::uint64_t seed);

}  // namespace hwnas::data
