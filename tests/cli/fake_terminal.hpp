#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace hwnas::cli {

/// What a user sees: obeys line feed, carriage return and "erase line"; leaves colours out.
class FakeTerminal {
 public:
  void write(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\x1b') {
        const std::size_t end = text.find_first_of("mK", i);
        if (text[end] == 'K') lines_.back().clear();
        i = end;
      } else if (text[i] == '\n') {
        lines_.emplace_back();
      } else if (text[i] != '\r') {
        lines_.back() += text[i];
      }
    }
  }

  /// All lines, the one with the cursor last.
  const std::vector<std::string>& lines() const { return lines_; }

 private:
  std::vector<std::string> lines_ = {""};
};

}  // namespace hwnas::cli
