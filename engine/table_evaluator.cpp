#include "engine/table_evaluator.hpp"

#include <algorithm>
#include <limits>
#include <unordered_map>
#include <utility>

#include "core/csv.hpp"

namespace hwnas::engine {
namespace {

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

/// Values of a table's columns by genotype. An empty field reads as NaN.
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

Table::Table(const std::filesystem::path& file, TableOptions options)
    : options_(std::move(options)) {
  CsvReader csv = CsvReader::open(file);
  const std::size_t key = csv.column(options_.key);
  std::vector<std::size_t> places;
  for (const Column& column : options_.columns) places.push_back(csv.column(column.name));
  while (csv.next()) {
    std::vector<double> values;
    for (const std::size_t place : places) {
      values.push_back(csv.text(place).empty() ? std::numeric_limits<double>::quiet_NaN()
                                               : csv.number(place));
    }
    if (!rows_.emplace(genotype_key(csv.text(key)), std::move(values)).second) {
      csv.fail("the genotype '" + csv.text(key) + "' is there twice");
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
