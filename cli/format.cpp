#include "cli/format.hpp"

#include <fmt/format.h>

#include <cmath>

namespace hwnas::cli {

std::string format_number(double value) {
  const bool whole = value == std::round(value) && std::abs(value) < 1e15;
  return whole || std::abs(value) >= 1000 ? fmt::format("{:.0f}", value)
                                          : fmt::format("{:.4g}", value);
}

std::string format_metric(double value, double standard_deviation) {
  if (standard_deviation == 0) return format_number(value);
  return fmt::format("{} ± {:.2g}", format_number(value), standard_deviation);
}

std::string shell_quoted(std::string_view text) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string_view::npos)
    return std::string(text);
  std::string quoted = "'";
  for (const char character : text) {
    if (character == '\'')
      quoted += "'\\''";
    else
      quoted += character;
  }
  return quoted + "'";
}

}  // namespace hwnas::cli
