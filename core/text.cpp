#include "core/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace hwnas {
namespace {

constexpr std::size_t kMaxQuotedBytes = 60;

bool is_control(unsigned char c) {
  return c < 0x20 || c == 0x7f;
}

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

/// One code point of a text; a length of 0 marks an invalid sequence.
struct CodePoint {
  std::uint32_t value = 0;
  std::size_t length = 0;
};

/// The rows of the Unicode Standard's table 3-7 (well-formed UTF-8), told as arithmetic: no
/// overlong forms, no surrogates, nothing above U+10FFFF. `text` is not empty.
CodePoint decode(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  if (lead < 0x80) return {lead, 1};
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return {};
  std::uint32_t value = lead & (0xff >> (length + 1));
  for (const char c : text.substr(1, length - 1)) {
    if (!is_continuation(c)) return {};
    value = value << 6 | (static_cast<unsigned char>(c) & 0x3f);
  }
  constexpr std::uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = value >= 0xd800 && value <= 0xdfff;
  if (value < kSmallest[length] || value > 0x10ffff || surrogate) return {};
  return {value, length};
}

template <typename T>
std::optional<T> parse_whole(std::string_view text) {
  // A leading '+' is no part of from_chars's grammar.
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  T value{};
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (status != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours
/// each count one.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> above(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = above[j - 1] + (a[i - 1] != b[j - 1]);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, change});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, above);
    std::swap(above, row);
  }
  return above[b.size()];
}

}  // namespace

std::string one_line(std::string_view text) {
  std::string line;
  for (const char c : text) {
    if (c == '\n') {
      line += "\\n";
    } else if (c == '\t') {
      line += "\\t";
    } else if (is_control(static_cast<unsigned char>(c))) {
      line += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      line += c;
    }
  }
  return line;
}

std::string in_quotes(std::string_view text) {
  if (text.size() <= kMaxQuotedBytes) return fmt::format("'{}'", one_line(text));
  std::size_t end = kMaxQuotedBytes;
  while (end > 0 && is_continuation(text[end])) --end;
  return fmt::format("'{}...'", one_line(text.substr(0, end)));
}

std::optional<TextFault> find_text_fault(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto [value, length] = decode(text.substr(i));
    if (length == 0) {
      return TextFault{
          i, fmt::format("byte 0x{:02x} is not valid UTF-8", static_cast<unsigned char>(text[i]))};
    }
    if (value == 0xfeff) return TextFault{i, "byte-order mark; save the text without it"};
    const bool line_end = value == '\n' || (value == '\r' && text.substr(i).starts_with("\r\n"));
    const bool control = value < 0x20 || (value >= 0x7f && value <= 0x9f);
    if (control && !line_end && value != '\t') {
      return TextFault{i, fmt::format("control character 0x{:02x}", value)};
    }
    i += length;
  }
  return std::nullopt;
}

std::optional<double> parse_number(std::string_view text) {
  // The allowed letters keep from_chars's "inf" and "nan" out.
  const bool decimal = text.find_first_not_of("0123456789+-.eE") == std::string_view::npos;
  return decimal ? parse_whole<double>(text) : std::nullopt;
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
  return parse_whole<std::int64_t>(text);
}

std::optional<std::string> nearest_name(std::string_view name,
                                        const std::vector<std::string>& names) {
  const std::string* nearest = nullptr;
  std::size_t smallest = std::max<std::size_t>(1, name.size() / 3);
  for (const std::string& candidate : names) {
    const std::size_t longer = std::max(name.size(), candidate.size());
    const std::size_t shorter = std::min(name.size(), candidate.size());
    if (longer - shorter > smallest) continue;
    const std::size_t distance = edit_distance(name, candidate);
    if (distance < smallest || (distance == smallest && nearest == nullptr)) {
      smallest = distance;
      nearest = &candidate;
    }
  }
  return nearest ? std::optional(*nearest) : std::nullopt;
}

std::string did_you_mean(std::string_view name, const std::vector<std::string>& names) {
  const std::optional<std::string> nearest = nearest_name(name, names);
  return nearest ? fmt::format(", did you mean '{}'?", *nearest) : "";
}

}  // namespace hwnas
