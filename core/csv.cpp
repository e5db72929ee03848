#include "core/csv.hpp"

#include <algorithm>
#include <utility>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/text.hpp"

namespace hwnas {

CsvReader::CsvReader(std::string text, std::string source, Width width)
    : text_(std::move(text)), source_(std::move(source)), width_(width) {
  if (const auto fault = find_text_fault(text_)) {
    const auto place = text_.begin() + static_cast<std::ptrdiff_t>(fault->offset);
    row_line_ += static_cast<std::size_t>(std::count(text_.begin(), place, '\n'));
    fail(fault->reason);
  }
  if (!read_row()) fail("the text is empty; a header row is missing");
  header_ = fields_;
  std::vector<std::string> sorted = header_;
  std::ranges::sort(sorted);
  const auto twice = std::ranges::adjacent_find(sorted);
  if (twice != sorted.end()) fail(fmt::format("two columns are named {}", in_quotes(*twice)));
}

CsvReader CsvReader::open(const std::filesystem::path& file, Width width) {
  return {read_unpacked_file(file, kMaxBytes), file.string(), width};
}

bool CsvReader::has_column(std::string_view name) const {
  return std::ranges::find(header_, name) != header_.end();
}

std::size_t CsvReader::column(std::string_view name) const {
  const auto it = std::ranges::find(header_, name);
  if (it == header_.end()) {
    throw invalid_argument("{}:1: no column {}{}", one_line(source_), in_quotes(name),
                           did_you_mean(name, header_));
  }
  return static_cast<std::size_t>(it - header_.begin());
}

bool CsvReader::next() {
  if (!read_row()) return false;
  if (width_ == Width::kSameAsHeader && fields_.size() != header_.size()) {
    fail(fmt::format("{} fields, but the header has {}", fields_.size(), header_.size()));
  }
  return true;
}

bool CsvReader::read_row() {
  if (position_ == text_.size()) return false;
  row_line_ = line_;
  fields_.clear();
  while (true) {
    fields_.push_back(read_field());
    if (position_ == text_.size()) return true;
    const char end = text_[position_];
    position_ += end == '\r' ? 2 : 1;  // the text has no CR without its LF
    if (end == ',') continue;
    ++line_;
    return true;
  }
}

bool CsvReader::at_field_end() const {
  return position_ == text_.size() || text_[position_] == ',' || text_[position_] == '\n' ||
         text_[position_] == '\r';
}

std::string CsvReader::read_field() {
  if (!at_field_end() && text_[position_] == '"') return read_quoted_field();
  const std::size_t begin = position_;
  position_ = std::min(text_.find_first_of(",\r\n", begin), text_.size());
  std::string field = text_.substr(begin, position_ - begin);
  if (field.find('"') != std::string::npos) {
    fail(fmt::format("a quote inside {}; quote the whole field and double it", in_quotes(field)));
  }
  return field;
}

std::string CsvReader::read_quoted_field() {
  std::string field;
  while (true) {
    const std::size_t begin = position_ + 1;  // after the opening or the first of two quotes
    position_ = text_.find('"', begin);
    if (position_ == std::string::npos) fail("a quoted field does not end");
    field.append(text_, begin, position_ - begin);
    ++position_;
    if (at_field_end()) break;
    if (text_[position_] != '"') {
      fail(fmt::format("text after the closing quote of {}", in_quotes(field)));
    }
    field += '"';
  }
  line_ += static_cast<std::size_t>(std::ranges::count(field, '\n'));
  return field;
}

std::string CsvReader::describe(std::size_t column) const {
  return column < header_.size() ? fmt::format("column {}", in_quotes(header_[column]))
                                 : fmt::format("field {}", column + 1);
}

const std::string& CsvReader::text(std::size_t column) const {
  if (column >= fields_.size()) fail(describe(column) + " is missing");
  return fields_[column];
}

double CsvReader::number(std::size_t column, double min, double max) const {
  const std::optional<double> value = parse_number(text(column));
  if (!value) {
    fail(fmt::format("{}: expected a number, not {}", describe(column), in_quotes(text(column))));
  }
  if (*value < min || *value > max) {
    fail(fmt::format("{}: {} is not between {:g} and {:g}", describe(column), *value, min, max));
  }
  return *value;
}

std::int64_t CsvReader::integer(std::size_t column, std::int64_t min, std::int64_t max) const {
  const std::optional<std::int64_t> value = parse_integer(text(column));
  if (!value) {
    fail(fmt::format("{}: expected a whole number, not {}", describe(column),
                     in_quotes(text(column))));
  }
  if (*value < min || *value > max) {
    fail(fmt::format("{}: {} is not between {} and {}", describe(column), *value, min, max));
  }
  return *value;
}

void CsvReader::fail(const std::string& message) const {
  throw invalid_argument("{}", one_line(fmt::format("{}:{}: {}", source_, row_line_, message)));
}

}  // namespace hwnas
