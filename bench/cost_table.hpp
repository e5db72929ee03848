#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace hwnas::bench {

/// Costs of networks on devices, read from tables that share a column of genotypes.
struct CostTable {
  std::vector<std::string> genotypes;  ///< in the order of the first table, then of the others
  /// By device, one a genotype; NaN where it is absent.
  std::unordered_map<std::string, std::vector<double>> costs;
};

/// Joins the columns `devices` of tables in CSV (or packed by gzip). A field that is empty or
/// negative is absent, and so is that of a genotype without a row. Where several tables have a
/// column of the same name, "<folder of the file>/<name>" is the column of one. Throws
/// InvalidArgument for an unknown or ambiguous column, a malformed number, and a genotype that a
/// table has twice; and what CsvReader::open throws.
CostTable read_cost_tables(const std::vector<std::filesystem::path>& files,
                           std::string_view genotype_column,
                           const std::vector<std::string>& devices);

}  // namespace hwnas::bench
