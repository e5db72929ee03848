#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hwnas::exporters {

/// A piece of C with "@name@" where values go.
using CValues = std::vector<std::pair<std::string_view, std::string>>;

/// `text` with every "@name@" replaced, once: values may have names of their own for a later fill.
/// A name without value is a slip of the program (assert).
std::string fill(std::string_view text, const CValues& values);

/// "oy * 2 - 1": where a window starts; without factors of 1 and terms of 0.
std::string window_start(std::string_view variable, int stride, int padding);

}  // namespace hwnas::exporters
