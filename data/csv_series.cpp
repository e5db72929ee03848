#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <unordered_set>
#include <utility>

#include "core/csv.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/text.hpp"
#include "data/readers.hpp"
#include "data/reading.hpp"

namespace hwnas::data {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kSample = 0;
constexpr std::size_t kLabel = 1;
constexpr std::size_t kChannel = 2;
constexpr std::size_t kFirstValue = 3;

/// The signals of one file, with the labels still as texts.
struct Series {
  std::size_t channels = 0;
  std::size_t values = 0;  ///< of one channel of one sample
  std::vector<float> floats;
  std::vector<std::string> labels;
};

std::string read_text(const fs::path& file) {
  std::string text = read_unpacked_file(file, CsvReader::kMaxBytes);
  if (!text.empty() && text.back() != '\n') {
    throw invalid_argument("{}:{}: the last line does not end; is the file cut?",
                           one_line(file.string()), std::ranges::count(text, '\n') + 1);
  }
  return text;
}

class SeriesParser {
 public:
  /// Labels must be among `classes`, if there are any.
  SeriesParser(const fs::path& file, const std::vector<std::string>& classes)
      : csv_(read_text(file), file.string(), CsvReader::Width::kAny), classes_(classes) {}

  Series parse() && {
    static constexpr std::array kColumns = {"sample", "label", "channel"};
    const auto& header = csv_.header();
    if (header.size() <= kFirstValue ||
        !std::equal(kColumns.begin(), kColumns.end(), header.begin())) {
      csv_.fail("the header does not begin with sample,label,channel and a value column");
    }
    while (csv_.next()) add_row();
    end_sample();
    if (series_.labels.empty()) csv_.fail("no sample follows the header");
    return std::move(series_);
  }

 private:
  void add_row() {
    if (csv_.integer(kChannel, 0) == 0) {
      end_sample();
      begin_sample();
    }
    if (csv_.text(kSample) != sample_ || csv_.text(kLabel) != label() ||
        csv_.integer(kChannel) != static_cast<std::int64_t>(channel_)) {
      csv_.fail(
          fmt::format("expected channel {} of sample {} with label {}, or channel 0 of the "
                      "next sample",
                      channel_, in_quotes(sample_), in_quotes(label())));
    }
    ++channel_;
    add_values();
  }

  std::string label() const { return series_.labels.empty() ? "" : series_.labels.back(); }

  void begin_sample() {
    sample_ = csv_.text(kSample);
    if (!samples_.insert(sample_).second) {
      csv_.fail(fmt::format("sample {} was there before", in_quotes(sample_)));
    }
    const std::string& name = csv_.text(kLabel);
    if (name.empty()) csv_.fail("the label is empty");
    if (!classes_.empty() && std::ranges::find(classes_, name) == classes_.end()) {
      csv_.fail(fmt::format("no training sample has the label {}", in_quotes(name)));
    }
    series_.labels.push_back(name);
    channel_ = 0;
  }

  void end_sample() {
    if (series_.labels.empty()) return;
    if (series_.channels == 0) series_.channels = channel_;
    if (channel_ != series_.channels) {
      csv_.fail(fmt::format("sample {} has {} channels, but the first one has {}",
                            in_quotes(sample_), channel_, series_.channels));
    }
  }

  void add_values() {
    constexpr double kMax = std::numeric_limits<float>::max();
    const std::size_t count = csv_.fields().size() - kFirstValue;
    if (series_.values == 0) series_.values = count;
    if (count == 0 || count != series_.values) {
      csv_.fail(fmt::format("{} values, but the first row has {}", count, series_.values));
    }
    for (std::size_t i = 0; i < count; ++i) {
      series_.floats.push_back(static_cast<float>(csv_.number(kFirstValue + i, -kMax, kMax)));
    }
  }

  CsvReader csv_;
  const std::vector<std::string>& classes_;
  Series series_;
  std::string sample_;
  std::unordered_set<std::string> samples_;
  std::size_t channel_ = 0;  ///< rows of the current sample so far
};

std::vector<std::string> distinct(std::vector<std::string> names) {
  std::ranges::sort(names);
  const auto repeated = std::ranges::unique(names);
  names.erase(repeated.begin(), repeated.end());
  return names;
}

Dataset to_dataset(Series series, const std::vector<std::string>& classes) {
  Dataset dataset;
  dataset.shape = {static_cast<int>(series.channels), 1, static_cast<int>(series.values)};
  dataset.floats = std::move(series.floats);
  dataset.class_names = classes;
  for (const std::string& label : series.labels) {
    dataset.labels.push_back(std::ranges::find(classes, label) - classes.begin());
  }
  return dataset;
}

}  // namespace

DataSource read_csv_series(const Config& options, const fs::path& folder) {
  options.require_known_keys({"name", "train", "test"});
  Series train = SeriesParser(path_option(options, "train", folder), {}).parse();
  const std::vector<std::string> classes = in_class_order(distinct(train.labels));
  Series test = SeriesParser(path_option(options, "test", folder), classes).parse();
  DataSource source{to_dataset(std::move(train), classes), to_dataset(std::move(test), classes)};
  require_consistent(options, source);
  return source;
}

}  // namespace hwnas::data
