#pragma once

#include <filesystem>

namespace hwnas::cli {

/// Reads a data set and writes what it holds as JSON: "shape" (channels, height, width), "classes",
/// "train_samples" and "test_samples". hwnasd runs itself so for files of strangers, in a process
/// with limits. `options`: a file with an experiment's `data`. Throws what data::read_data throws.
void read_dataset(const std::filesystem::path& options, const std::filesystem::path& facts);

}  // namespace hwnas::cli
