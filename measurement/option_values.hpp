#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "core/config.hpp"

namespace hwnas::measurement {

/// "time_limit_s" in seconds, from 0.01 to a day.
std::chrono::milliseconds time_limit_or(const Config& options, double fallback_s);

/// A list of words, or one text split as a shell does it: at white space, with '…', "…" and \x, and
/// nothing else (no variables, no substitution). The error stands at the value.
std::vector<std::string> words(const Config& value);
std::vector<std::string> words_or(const Config& options, std::string_view key,
                                  std::vector<std::string> fallback);

}  // namespace hwnas::measurement
