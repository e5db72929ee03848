#include "measurement/option_values.hpp"

#include <fmt/format.h>

namespace hwnas::measurement {

namespace {

constexpr double kLongestSeconds = 24 * 3600;

/// Splits one text; "'", '"' and '\\' as in a POSIX shell.
class Splitter {
 public:
  explicit Splitter(const Config& value) : value_(value), text_(value.as_string()) {}

  std::vector<std::string> split() {
    for (position_ = 0; position_ < text_.size(); ++position_) {
      const char c = text_[position_];
      if (quote_ == 0 && (c == ' ' || c == '\t' || c == '\n')) {
        end_word();
      } else if (quote_ == 0 && (c == '\'' || c == '"')) {
        quote_ = c;
        in_word_ = true;
      } else if (c == quote_) {
        quote_ = 0;
      } else if (c == '\\' && quote_ != '\'') {
        add_escaped();
      } else {
        add(c);
      }
    }
    if (quote_ != 0) value_.fail(fmt::format("a {} is opened and never closed", quote_));
    end_word();
    return std::move(words_);
  }

 private:
  void add(char c) {
    word_ += c;
    in_word_ = true;
  }
  void add_escaped() {
    if (++position_ == text_.size()) value_.fail("nothing follows the last \\");
    const char c = text_[position_];
    // Between double quotes, a backslash before an ordinary character is itself.
    if (quote_ == '"' && c != '"' && c != '\\') add('\\');
    add(c);
  }
  void end_word() {
    if (in_word_) words_.push_back(std::move(word_));
    word_.clear();
    in_word_ = false;
  }

  const Config& value_;
  std::string text_;
  std::size_t position_ = 0;
  char quote_ = 0;
  bool in_word_ = false;
  std::string word_;
  std::vector<std::string> words_;
};

}  // namespace

std::chrono::milliseconds time_limit_or(const Config& options, double fallback_s) {
  const double seconds = options.double_or("time_limit_s", fallback_s, 0.01, kLongestSeconds);
  return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

std::vector<std::string> words(const Config& value) {
  if (value.kind() != Config::Kind::kList) return Splitter(value).split();
  std::vector<std::string> result;
  for (const Config& item : value.items()) result.push_back(item.as_string());
  return result;
}

std::vector<std::string> words_or(const Config& options, std::string_view key,
                                  std::vector<std::string> fallback) {
  const Config* value = options.find(key);
  return value == nullptr ? fallback : words(*value);
}

}  // namespace hwnas::measurement
