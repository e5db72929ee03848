#pragma once

#include <filesystem>

#include "core/config.hpp"
#include "data/dataset.hpp"

/// One function a row of readers(). `options` holds the row's `name` and the keys documented here,
/// strictly; `folder` is what relative paths are relative to. Errors are read_data's. Files
/// other than PNG may be gzip's.
namespace hwnas::data {

/// Fashion-MNIST (Xiao, Rasul and Vollgraf, 2017): 1x28x28 bytes, ten classes.
///   folder   [/usr/share/datasets/fashion-mnist]: the four IDX files under their original names,
///            with or without .gz
DataSource read_fashion_mnist(const Config& options, const std::filesystem::path& folder);

/// Images of the IDX format (LeCun, "The MNIST database"): big-endian header, unsigned bytes,
/// samples x height x width or samples x channels x height x width.
///   train_images, train_labels, test_images, test_labels   files
///   classes   names by label ["0", "1", ...]
DataSource read_idx(const Config& options, const std::filesystem::path& folder);

/// CIFAR-10's binary version (Krizhevsky, 2009): records of a label byte and 3x32x32 bytes.
///   folder   data_batch_1.bin .. data_batch_5.bin and test_batch.bin, all of the same length
DataSource read_cifar10(const Config& options, const std::filesystem::path& folder);

/// Labelled signals as CSV. The header begins with the columns sample, label, channel; names of
/// the value columns are not read, and one may stand for all. One row for each channel of a sample:
///     sample,label,channel,t0,t1,t2
///     0,walking,0,0.1,0.2,0.3
///     0,walking,1,9.8,9.7,9.8
///     1,running,0,...
/// Rows of a sample follow each other with channels 0, 1, ...; all samples have the same channels
/// and all rows as many values. Classes are the labels of the training file, in numerical order if
/// all are whole numbers, else alphabetically. The last line must end, or the file counts as cut.
///   train, test   files
/// Gives floats of the shape channels x 1 x values.
DataSource read_csv_series(const Config& options, const std::filesystem::path& folder);

/// Labelled signals as NumPy arrays (.npy, versions 1 and 2, little-endian, C order). Values:
/// float32, float64 or int16, samples x channels x time or samples x time; finite. Labels:
/// integers of any width, one for each sample.
///   train_values, train_labels, test_values, test_labels   files
///   classes   names by label ["0", "1", ...]
/// Gives floats of the shape channels x 1 x time.
DataSource read_npy_series(const Config& options, const std::filesystem::path& folder);

/// Images as train/<class>/*.png and test/<class>/*.png, all of one size and either all grey
/// (1 channel) or all in colour (3 channels, R G B), without transparency. Classes are the folders
/// of train/, ordered as csv_series'. Hidden files are passed over.
///   folder   the folder of train/ and test/
DataSource read_png_folder(const Config& options, const std::filesystem::path& folder);

}  // namespace hwnas::data
