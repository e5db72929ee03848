#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

/// Just enough of an HTML reader to judge a page by: strict where browsers are lenient.
namespace hwnas::report {

struct PageReading {
  std::string fault;              ///< the first thing that is wrong; empty: well formed
  std::vector<std::string> tags;  ///< every opening tag with its attributes
  std::string text;               ///< everything between tags, scripts and styles left out
};

inline bool is_void_element(std::string_view name) {
  constexpr std::array<std::string_view, 6> kVoid = {"meta", "input", "br", "link", "img", "hr"};
  return std::ranges::find(kVoid, name) != kVoid.end();
}

/// Every element closed in order, every attribute quoted, no stray '<'.
inline PageReading read_page(std::string_view page) {
  PageReading reading;
  std::vector<std::string> open;
  std::size_t at = 0;
  const auto fail = [&](const std::string& what) {
    reading.fault = what + " at: " + std::string(page.substr(at, 80));
    return reading;
  };
  while (at < page.size()) {
    if (page[at] != '<') {
      const std::size_t next = std::min(page.find('<', at), page.size());
      reading.text += page.substr(at, next - at);
      at = next;
      continue;
    }
    const std::size_t end = page.find('>', at);
    if (end == std::string_view::npos) return fail("tag without end");
    const std::string_view tag = page.substr(at + 1, end - at - 1);
    if (tag.starts_with("!DOCTYPE")) {
      at = end + 1;
      continue;
    }
    if (tag.starts_with("/")) {
      if (open.empty() || open.back() != tag.substr(1)) return fail("unexpected closing tag");
      open.pop_back();
      at = end + 1;
      continue;
    }
    const std::string name(tag.substr(0, tag.find_first_of(" /")));
    if (name.empty() ||
        name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789") != name.npos) {
      return fail("stray '<'");
    }
    if (std::ranges::count(tag, '"') % 2 != 0) return fail("attribute with an open quote");
    reading.tags.emplace_back(tag);
    at = end + 1;
    if (name == "script" || name == "style") {
      const std::size_t close = page.find("</" + name + ">", at);
      if (close == std::string_view::npos) return fail("element without end");
      at = close + name.size() + 3;
    } else if (!tag.ends_with("/") && !is_void_element(name)) {
      open.push_back(name);
    }
  }
  if (!open.empty()) reading.fault = "never closed: " + open.back();
  return reading;
}

/// A tag without the values of its attributes: "a class= href=".
inline std::string without_values(std::string_view tag) {
  std::string names;
  bool inside = false;
  for (const char character : tag) {
    if (character == '"') {
      inside = !inside;
    } else if (!inside) {
      names += character;
    }
  }
  return names;
}

/// What stands between two marks, the first time.
inline std::string between(std::string_view text, std::string_view from, std::string_view to) {
  const std::size_t start = text.find(from);
  if (start == std::string_view::npos) return "";
  const std::size_t begin = start + from.size();
  return std::string(text.substr(begin, text.find(to, begin) - begin));
}

}  // namespace hwnas::report
