#include "cli/text_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>

namespace hwnas::cli {
namespace {

using Rows = std::vector<std::vector<std::string>>;

struct Column {
  std::size_t width = 0;
  bool numbers = true;
};

bool looks_like_number(const std::string& cell) {
  return cell.find_first_not_of("0123456789.,+-e±% ") == std::string::npos;
}

/// Characters, not bytes: "±" takes one column.
std::size_t columns_of(const std::string& text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; });
}

std::vector<Column> measure_columns(const Rows& rows) {
  std::vector<Column> columns;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    columns.resize(std::max(columns.size(), rows[r].size()));
    for (std::size_t c = 0; c < rows[r].size(); ++c) {
      columns[c].width = std::max(columns[c].width, columns_of(rows[r][c]));
      if (r > 0) columns[c].numbers &= looks_like_number(rows[r][c]);
    }
  }
  return columns;
}

}  // namespace

std::string format_table(const Rows& rows) {
  const std::vector<Column> columns = measure_columns(rows);
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t c = 0; c < row.size(); ++c) {
      const Column& column = columns[c];
      line += column.numbers && rows.size() > 1 ? fmt::format("{:>{}}  ", row[c], column.width)
                                                : fmt::format("{:<{}}  ", row[c], column.width);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

}  // namespace hwnas::cli
