#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hwnas {

/// The text on one line, for messages: control characters are written as \n, \t or \x1b.
std::string one_line(std::string_view text);

/// 'text' in quotes, on one line, cut to about 60 characters with "..." if it is longer.
std::string in_quotes(std::string_view text);

struct TextFault {
  std::size_t offset;  ///< in bytes
  std::string reason;  ///< e.g. "control character 0x1b"
};
/// The first byte that well-formed UTF-8 text for people does not have: an invalid sequence, a
/// byte-order mark, or a control character other than tab, line feed and CR LF.
std::optional<TextFault> find_text_fault(std::string_view text);

/// The whole of `text` as a number in decimal form, such as "-1.5e3", or nothing: not for "inf",
/// "nan", hexadecimal, spaces, or what a double cannot hold.
std::optional<double> parse_number(std::string_view text);
/// The whole of `text` as a decimal integer, or nothing.
std::optional<std::int64_t> parse_integer(std::string_view text);

/// The nearest of `names` by edit distance, if it is near enough to be a slip of the keyboard.
std::optional<std::string> nearest_name(std::string_view name,
                                        const std::vector<std::string>& names);

/// ", did you mean 'x'?" or "" — to append to messages about unknown names.
std::string did_you_mean(std::string_view name, const std::vector<std::string>& names);

}  // namespace hwnas
