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

}  // namespace hwnas::exporters
