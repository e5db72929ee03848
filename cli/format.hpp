#pragma once

#include <string>
#include <string_view>

namespace hwnas::cli {

/// Four significant digits, whole numbers in full: "91.25", "0.004312", "281600".
std::string format_number(double value);

/// "12.3 ± 1.1"; without the deviation where it is 0.
std::string format_metric(double value, double standard_deviation);

/// `text` as one word of a POSIX shell, quoted only where needed.
std::string shell_quoted(std::string_view text);

}  // namespace hwnas::cli
