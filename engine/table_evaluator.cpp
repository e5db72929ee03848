#include "engine/table_evaluator.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <unordered_map>

#include "core/error.hpp"
#include "core/file.hpp"

namespace hwnas::engine {
namespace {

constexpr std::uintmax_t kMaxTableBytes = 1'000'000'000;

struct Column {
  std::string metric;
  std::string name;
};

/// One entry of `tables`.
struct TableOptions {
  std::string file;
  std::string key;
  std::vector<Column> columns;
};

std::vector<TableOptions> read_options(const Config& options) {
  options.require_known_keys({"name", "tables"});
  std::vector<TableOptions> tables;
  for (const Config& table : options.at("tables").items()) {
    table.require_known_keys({"file", "key", "metrics"});
    TableOptions& read = tables.emplace_back();
    read.file = table.at("file").as_string();
    read.key = table.at("key").as_string();
    const Config& metrics = table.at("metrics");
    for (const std::string& metric : metrics.keys()) {
      read.columns.push_back({metric, metrics.at(metric).as_string()});
    }
    if (read.columns.empty()) metrics.fail("give at least one metric");
  }
  if (tables.empty()) options.at("tables").fail("give at least one table");
  return tables;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

/// "4-2-1" of either form of a key.
std::string genotype_key(std::string_view text) {
  if (text.find('-') != std::string_view::npos || text.size() < 2) return std::string(text);
  std::string key;
  for (const char digit : text) {
    if (!key.empty()) key += '-';
    key += digit;
  }
  return key;
}

/// Values of a table's columns by genotype. Fields are separated by commas, without quotes; an
/// empty field, or one that is no number, reads as NaN.
class Table {
 public:
  Table(const std::filesystem::path& file, TableOptions options);

  const std::vector<Column>& columns() const { return options_.columns; }
  /// One value a column, or nullptr.
  const std::vector<double>* find(const std::string& genotype) const {
    const auto row = rows_.find(genotype);
    return row == rows_.end() ? nullptr : &row->second;
  }

 private:
  TableOptions options_;
  std::unordered_map<std::string, std::vector<double>> rows_;
};

std::size_t place_of(const std::vector<std::string_view>& header, const std::string& column,
                     const std::filesystem::path& file) {
  const auto place = std::ranges::find(header, column);
  if (place != header.end()) return static_cast<std::size_t>(place - header.begin());
  const std::vector<std::string> names(header.begin(), header.end());
  throw invalid_argument("{}: no column '{}'{}", file.string(), column,
                         did_you_mean(column, names));
}

double number_or_nan(std::string_view field) {
  double value = 0;
  const auto [end, failure] = std::from_chars(field.data(), field.data() + field.size(), value);
  const bool whole = failure == std::errc() && end == field.data() + field.size();
  return whole ? value : std::numeric_limits<double>::quiet_NaN();
}

Table::Table(const std::filesystem::path& file, TableOptions options)
    : options_(std::move(options)) {
  const std::string text = read_unpacked_file(file, kMaxTableBytes);
  std::vector<std::string_view> lines = split(text, '\n');
  for (std::string_view& line : lines) {
    if (line.ends_with('\r')) line.remove_suffix(1);
  }
  if (lines.back().empty()) lines.pop_back();
  if (lines.empty()) throw invalid_argument("{}: the table is empty", file.string());
  const std::vector<std::string_view> header = split(lines.front(), ',');
  const std::size_t key = place_of(header, options_.key, file);
  std::vector<std::size_t> places;
  for (const Column& column : options_.columns) {
    places.push_back(place_of(header, column.name, file));
  }
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const std::vector<std::string_view> fields = split(lines[i], ',');
    if (fields.size() != header.size()) {
      throw invalid_argument("{}:{}: {} fields under {} columns", file.string(), i + 1,
                             fields.size(), header.size());
    }
    std::vector<double> values;
    for (const std::size_t place : places) values.push_back(number_or_nan(fields[place]));
    if (!rows_.emplace(genotype_key(fields[key]), std::move(values)).second) {
      throw invalid_argument("{}:{}: '{}' is there twice", file.string(), i + 1, fields[key]);
    }
  }
}

class TableEvaluator final : public Evaluator {
 public:
  explicit TableEvaluator(const EvaluatorContext& context) {
    for (TableOptions& options : read_options(context.experiment.evaluator)) {
      const std::filesystem::path file = context.experiment.folder / options.file;
      tables_.emplace_back(file.lexically_normal(), std::move(options));
    }
  }

  std::optional<Evaluation> evaluate(const Candidate& candidate, const EpochSink&,
                                     std::stop_token) const override {
    const std::string genotype = spaces::to_string(candidate.genotype);
    Evaluation evaluation{search::TrialState::kComplete, "", {}};
    for (const Table& table : tables_) {
      const std::vector<double>* row = table.find(genotype);
      if (row == nullptr) return Evaluation{search::TrialState::kFailed, "not in the table", {}};
      for (std::size_t i = 0; i < row->size(); ++i) {
        evaluation.metrics.push_back(
            {table.columns()[i].metric, (*row)[i], 0, estimators::Origin::kMeasured});
      }
    }
    return evaluation;
  }

 private:
  std::vector<Table> tables_;
};

}  // namespace

std::vector<std::string> table_evaluator_metrics(const Config& options) {
  std::vector<std::string> metrics;
  for (const TableOptions& table : read_options(options)) {
    for (const Column& column : table.columns) {
      if (std::ranges::find(metrics, column.metric) != metrics.end()) {
        options.at("tables").fail("two tables give '" + column.metric + "'");
      }
      metrics.push_back(column.metric);
    }
  }
  return metrics;
}

std::unique_ptr<Evaluator> make_table_evaluator(const EvaluatorContext& context) {
  return std::make_unique<TableEvaluator>(context);
}

}  // namespace hwnas::engine
