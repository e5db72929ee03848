#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace hwnas {

/// Reads a CSV text with a header row, row by row, strictly by RFC 4180: quoted fields may hold
/// commas, line ends and doubled quotes; rows end in LF or CR LF; no spaces are trimmed. Every
/// fault is an Error (kInvalidArgument) that starts with "file:line: ".
///
///   CsvReader csv = CsvReader::open("latency.csv.gz");
///   const std::size_t latency = csv.column("latency_ms");
///   while (csv.next()) total += csv.number(latency);
class CsvReader {
 public:
  /// kSameAsHeader: a row with more or fewer fields than the header is a fault.
  enum class Width { kSameAsHeader, kAny };
  static constexpr std::uintmax_t kMaxBytes = std::uintmax_t{1} << 30;

  /// `source` names the text in messages. Reads the header: column names must be unique.
  CsvReader(std::string text, std::string source, Width width = Width::kSameAsHeader);
  /// A file, unpacked if it is gzip's; errors as read_unpacked_file's.
  static CsvReader open(const std::filesystem::path& file, Width width = Width::kSameAsHeader);

  const std::vector<std::string>& header() const { return header_; }
  bool has_column(std::string_view name) const;
  /// The index of a column; an unknown one is a fault that names the nearest.
  std::size_t column(std::string_view name) const;

  /// Moves to the next row; false after the last one.
  bool next();
  /// Where the current row begins, from 1.
  std::size_t line() const { return row_line_; }
  const std::vector<std::string>& fields() const { return fields_; }

  // Fields of the current row; a number that is out of range or malformed is a fault.
  const std::string& text(std::size_t column) const;
  double number(std::size_t column, double min = std::numeric_limits<double>::lowest(),
                double max = std::numeric_limits<double>::max()) const;
  std::int64_t integer(std::size_t column,
                       std::int64_t min = std::numeric_limits<std::int64_t>::min(),
                       std::int64_t max = std::numeric_limits<std::int64_t>::max()) const;

  /// An Error at the current row: "file:line: <message>".
  [[noreturn]] void fail(const std::string& message) const;

 private:
  bool read_row();
  std::string read_field();
  std::string read_quoted_field();
  bool at_field_end() const;
  std::string describe(std::size_t column) const;

  std::string text_;
  std::string source_;
  Width width_;
  std::vector<std::string> header_;
  std::vector<std::string> fields_;
  std::size_t position_ = 0;
  std::size_t line_ = 1;
  std::size_t row_line_ = 1;
};

}  // namespace hwnas
