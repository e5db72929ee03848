#include "exporters/c_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>

namespace hwnas::exporters {

std::string fill(std::string_view text, const CValues& values) {
  std::string result;
  while (true) {
    const std::size_t begin = text.find('@');
    result += text.substr(0, begin);
    if (begin == std::string_view::npos) return result;
    const std::size_t end = text.find('@', begin + 1);
    const std::string_view name = text.substr(begin + 1, end - begin - 1);
    const auto value = std::ranges::find(values, name, &CValues::value_type::first);
    assert(value != values.end());
    result += value->second;
    text.remove_prefix(end + 1);
  }
}

std::string window_start(std::string_view variable, int stride, int padding) {
  return std::string(variable) + (stride == 1 ? "" : fmt::format(" * {}", stride)) +
         (padding == 0 ? "" : fmt::format(" - {}", padding));
}

}  // namespace hwnas::exporters
