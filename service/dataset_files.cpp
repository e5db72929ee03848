#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>
#include <string_view>

#include "core/text.hpp"
#include "service/dataset_store.hpp"

namespace hwnas::service {
namespace {

struct ReaderFiles {
  std::string_view reader;
  std::vector<std::string_view> options;  ///< that name files
};

/// The readers of data/readers.hpp whose options name files, not folders.
const std::vector<ReaderFiles>& readers_of_files() {
  static const std::vector<ReaderFiles> rows{
      {"idx", {"train_images", "train_labels", "test_images", "test_labels"}},
      {"csv_series", {"train", "test"}},
      {"npy_series", {"train_values", "train_labels", "test_values", "test_labels"}}};
  return rows;
}

}  // namespace

Config with_files(const Config& reader, const std::map<std::string, std::filesystem::path>& files) {
  std::vector<std::string> names, keys;
  for (const ReaderFiles& row : readers_of_files()) names.emplace_back(row.reader);
  for (const auto& [key, file] : files) keys.push_back(key);
  const std::size_t row = reader.at("name").as_one_of(names);
  Config result = reader;
  std::set<std::string> unused(keys.begin(), keys.end());
  for (const std::string_view option : readers_of_files()[row].options) {
    const Config& value = reader.at(option);
    const auto found = files.find(value.as_string());
    if (found == files.end()) {
      value.fail(fmt::format("no key {} of uploads{} (keys: {})", in_quotes(value.as_string()),
                             did_you_mean(value.as_string(), keys), fmt::join(keys, ", ")));
    }
    unused.erase(found->first);
    // In double quotes: a path may hold anything but a zero.
    std::string quoted = "\"";
    for (const char c : found->second.string()) {
      if (c == '"' || c == '\\') quoted += '\\';
      quoted += c;
    }
    result.set(option, quoted + "\"");
  }
  if (!unused.empty()) {
    reader.fail(fmt::format("no option names the key {} of uploads; leave it out",
                            in_quotes(*unused.begin())));
  }
  return result;
}

}  // namespace hwnas::service
