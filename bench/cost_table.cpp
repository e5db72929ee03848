#include "bench/cost_table.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "core/csv.hpp"
#include "core/error.hpp"
#include "core/text.hpp"

namespace hwnas::bench {

namespace {

constexpr double kAbsent = std::numeric_limits<double>::quiet_NaN();

struct Table {
  std::string folder;
  CsvReader csv;

  /// "name", or "folder/name" if the folder is this one's.
  std::optional<std::size_t> column(std::string_view device) const {
    const std::size_t slash = device.rfind('/');
    if (slash != std::string_view::npos && device.substr(0, slash) == folder) {
      device.remove_prefix(slash + 1);
    }
    if (!csv.has_column(device)) return std::nullopt;
    return csv.column(device);
  }
};

/// The one table that has the device.
std::size_t table_of(const std::vector<Table>& tables, const std::string& device) {
  std::vector<std::size_t> found;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < tables.size(); ++i) {
    if (tables[i].column(device)) found.push_back(i);
    std::ranges::copy(tables[i].csv.header(), std::back_inserter(names));
  }
  if (found.empty()) {
    throw invalid_argument("no table has a column {}{}", in_quotes(device),
                           did_you_mean(device, names));
  }
  if (found.size() > 1) {
    throw invalid_argument("column {0} is in several tables: name one as '{1}/{0}'", device,
                           tables[found.front()].folder);
  }
  return found.front();
}

/// Adds the rows of one table.
class Join {
 public:
  explicit Join(CostTable& result) : result_(result) {}

  void add(Table& table, std::string_view genotype_column,
           const std::vector<std::string>& devices) {
    CsvReader& csv = table.csv;
    const std::size_t genotype = csv.column(genotype_column);
    std::vector<bool> seen(result_.genotypes.size());
    while (csv.next()) {
      const std::size_t row = row_of(csv.text(genotype));
      seen.resize(result_.genotypes.size());
      if (seen[row]) {
        csv.fail(fmt::format("the genotype {} is there twice", in_quotes(csv.text(genotype))));
      }
      seen[row] = true;
      for (const std::string& device : devices) {
        const std::size_t column = *table.column(device);
        if (csv.text(column).empty()) continue;
        const double cost = csv.number(column);
        if (cost >= 0) result_.costs[device][row] = cost;
      }
    }
  }

 private:
  std::size_t row_of(const std::string& genotype) {
    const auto [it, is_new] = rows_.try_emplace(genotype, result_.genotypes.size());
    if (is_new) {
      result_.genotypes.push_back(genotype);
      for (auto& [device, costs] : result_.costs) costs.push_back(kAbsent);
    }
    return it->second;
  }

  CostTable& result_;
  std::unordered_map<std::string, std::size_t> rows_;
};

}  // namespace

CostTable read_cost_tables(const std::vector<std::filesystem::path>& files,
                           std::string_view genotype_column,
                           const std::vector<std::string>& devices) {
  std::vector<Table> tables;
  for (const std::filesystem::path& file : files) {
    const auto folder = std::filesystem::absolute(file).parent_path().filename().string();
    tables.push_back({folder, CsvReader::open(file)});
  }
  CostTable result;
  std::vector<std::vector<std::string>> devices_of(tables.size());
  for (const std::string& device : devices) {
    const bool is_new = result.costs.try_emplace(device).second;
    if (is_new) devices_of[table_of(tables, device)].push_back(device);
  }
  Join join(result);
  for (std::size_t i = 0; i < tables.size(); ++i) {
    if (!devices_of[i].empty()) join.add(tables[i], genotype_column, devices_of[i]);
  }
  return result;
}

}  // namespace hwnas::bench
