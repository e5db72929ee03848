#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "core/config.hpp"

namespace hwnas {
namespace {

bool is_word_char(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) ||
         std::string_view("_./+- ").find(c) != std::string_view::npos;
}

/// Whether YAML reads the text back as the same plain scalar. Errs on the side of quotes; numbers
/// and flags, the only values that quotes would change, are all plain.
bool is_plain(std::string_view text) {
  if (parse_number(text)) return true;
  const bool begins = !text.empty() && std::isalnum(static_cast<unsigned char>(text[0]));
  const bool null = text == "null" || text == "Null" || text == "NULL";
  return begins && !null && text.back() != ' ' && std::ranges::all_of(text, is_word_char);
}

std::string quote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    switch (c) {
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      default:
        out += c;
    }
  }
  return out + '"';
}

}  // namespace

void Config::write_inline(std::string& out) const {
  switch (kind_) {
    case Kind::kNull:
      out += "null";
      break;
    case Kind::kScalar:
      out += !quoted_ && is_plain(scalar_) ? scalar_ : quote(scalar_);
      break;
    case Kind::kList:
      out += "[]";
      break;
    case Kind::kMap:
      out += "{}";
      break;
  }
}

/// The lines of a list or map that is not empty; the first one without its indentation, which
/// "- " takes the place of in a list.
void Config::write_block(std::size_t indent, std::string& out) const {
  for (std::size_t i = 0; i < children_.size(); ++i) {
    const Config& child = children_[i];
    const bool nested = !child.children_.empty();
    if (i > 0) out.append(indent, ' ');
    if (kind_ == Kind::kList) {
      out += "- ";
    } else {
      out += is_plain(keys_[i]) ? keys_[i] : quote(keys_[i]);
      out += nested ? ":\n" : ": ";
      if (nested) out.append(indent + 2, ' ');
    }
    if (nested) {
      child.write_block(indent + 2, out);
    } else {
      child.write_inline(out);
      out += '\n';
    }
  }
}

std::string Config::to_yaml() const {
  std::string out;
  if (!children_.empty()) {
    write_block(0, out);
  } else {
    write_inline(out);
    out += '\n';
  }
  return out;
}

}  // namespace hwnas
