#include "core/config.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "core/error.hpp"

namespace hwnas {
namespace {

constexpr std::size_t kMaxPathBytes = 200;

// Every whole number up to here has an exact double.
constexpr double kMaxExactInt = 9007199254740992.0;  // 2^53

std::string_view to_string(Config::Kind kind) {
  switch (kind) {
    case Config::Kind::kNull:
      return "nothing";
    case Config::Kind::kScalar:
      return "a single value";
    case Config::Kind::kList:
      return "a list";
    case Config::Kind::kMap:
      return "a map";
  }
  return "?";
}

/// YAML 1.1 reads 010 as 8 and YAML 1.2 as 10.
bool is_ambiguous_octal(std::string_view text) {
  if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
  return text.size() > 1 && text[0] == '0' &&
         text.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

const std::shared_ptr<const std::string>& Config::no_source() {
  static const auto source = std::make_shared<const std::string>("(no text)");
  return source;
}

void Config::fail_at(const std::string& source, Mark mark, const std::string& message) {
  throw invalid_argument(
      "{}", one_line(fmt::format("{}:{}:{}: {}", source, mark.line, mark.column, message)));
}

void Config::fail(const std::string& message) const {
  fail_at(*source_, mark_, path_.empty() ? message : path_ + ": " + message);
}

void Config::require_map() const {
  if (kind_ != Kind::kMap) fail(fmt::format("expected a map, not {}", to_string(kind_)));
}

const Config* Config::find(std::string_view key) const {
  require_map();
  const auto it = std::ranges::find(keys_, key);
  if (it == keys_.end()) return nullptr;
  const Config& value = children_[static_cast<std::size_t>(it - keys_.begin())];
  return value.is_null() ? nullptr : &value;
}

bool Config::has(std::string_view key) const {
  return find(key) != nullptr;
}

const Config& Config::at(std::string_view key) const {
  const Config* value = find(key);
  if (!value) fail(fmt::format("the key {} is missing", in_quotes(key)));
  return *value;
}

std::vector<std::string> Config::keys() const {
  require_map();
  return keys_;
}

void Config::require_known_keys(std::initializer_list<std::string_view> known) const {
  require_known_keys(std::vector<std::string>(known.begin(), known.end()));
}

void Config::require_known_keys(const std::vector<std::string>& known) const {
  require_map();
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    if (std::ranges::find(known, keys_[i]) != known.end()) continue;
    fail_at(
        *children_[i].source_, children_[i].key_mark_,
        fmt::format("{}{}unknown key {}{} (known: {})", path_, path_.empty() ? "" : ": ",
                    in_quotes(keys_[i]), did_you_mean(keys_[i], known), fmt::join(known, ", ")));
  }
}

const std::vector<Config>& Config::items() const {
  if (kind_ != Kind::kList) fail(fmt::format("expected a list, not {}", to_string(kind_)));
  return children_;
}

/// How a message shows the value: its text, or what kind it is.
std::string Config::shown() const {
  if (kind_ != Kind::kScalar) return std::string(to_string(kind_));
  return quoted_ ? fmt::format("the text {}", in_quotes(scalar_)) : in_quotes(scalar_);
}

std::string Config::as_string() const {
  if (kind_ != Kind::kScalar) fail(fmt::format("expected a text, not {}", shown()));
  return scalar_;
}

bool Config::as_bool() const {
  const bool plain = kind_ == Kind::kScalar && !quoted_;
  if (plain && scalar_ == "true") return true;
  if (plain && scalar_ == "false") return false;
  fail(fmt::format("expected true or false, not {}", shown()));
}

/// The scalar as a number, if it is a plain one in decimal form.
std::optional<double> Config::number() const {
  if (kind_ != Kind::kScalar || quoted_) return std::nullopt;
  return parse_number(scalar_);
}

double Config::as_double(double min, double max) const {
  const std::optional<double> value = number();
  if (!value) fail(fmt::format("expected a number, not {}", shown()));
  if (*value < min || *value > max) {
    fail(fmt::format("{} is not between {:g} and {:g}", shown(), min, max));
  }
  return *value;
}

std::int64_t Config::as_int(std::int64_t min, std::int64_t max) const {
  const std::optional<double> real = number();
  std::optional<std::int64_t> value;
  if (real && !is_ambiguous_octal(scalar_)) {
    value = parse_integer(scalar_);
    const bool whole = std::trunc(*real) == *real && std::abs(*real) <= kMaxExactInt;
    if (!value && whole) value = static_cast<std::int64_t>(*real);
  }
  if (!value) fail(fmt::format("expected a whole number, not {}", shown()));
  if (*value < min || *value > max) {
    fail(fmt::format("{} is not between {} and {}", shown(), min, max));
  }
  return *value;
}

std::size_t Config::as_one_of(const std::vector<std::string>& names) const {
  if (kind_ != Kind::kScalar) {
    fail(fmt::format("expected one of {}, not {}", fmt::join(names, ", "), shown()));
  }
  const auto it = std::ranges::find(names, scalar_);
  if (it == names.end()) {
    fail(fmt::format("unknown name {}{} (known: {})", in_quotes(scalar_),
                     did_you_mean(scalar_, names), fmt::join(names, ", ")));
  }
  return static_cast<std::size_t>(it - names.begin());
}

std::string Config::string_or(std::string_view key, std::string fallback) const {
  const Config* value = find(key);
  return value ? value->as_string() : std::move(fallback);
}

bool Config::bool_or(std::string_view key, bool fallback) const {
  const Config* value = find(key);
  return value ? value->as_bool() : fallback;
}

std::int64_t Config::int_or(std::string_view key, std::int64_t fallback, std::int64_t min,
                            std::int64_t max) const {
  const Config* value = find(key);
  return value ? value->as_int(min, max) : fallback;
}

double Config::double_or(std::string_view key, double fallback, double min, double max) const {
  const Config* value = find(key);
  return value ? value->as_double(min, max) : fallback;
}

/// The path of the child that comes next in `children_`, or of the child with that index. Bounded,
/// or 20,000 values below long keys would take gigabytes: a long path loses its beginning.
std::string Config::child_path(std::size_t index) const {
  const std::string step = kind_ == Kind::kMap ? keys_[index] : fmt::format("[{}]", index);
  const bool fits = path_.size() + step.size() <= kMaxPathBytes;
  const std::string_view parent = fits ? std::string_view(path_) : "...";
  const bool dot = kind_ == Kind::kMap && !parent.empty();
  return fmt::format("{}{}{}", parent, dot ? "." : "", step);
}

/// Gives the node and all below it the paths of their new place, `depth` levels down.
void Config::move_to(std::string path, std::size_t depth) {
  const bool nested = kind_ == Kind::kList || kind_ == Kind::kMap;
  if (nested && depth >= kMaxDepth) {
    fail(fmt::format("lists and maps are nested more than {} deep", kMaxDepth));
  }
  path_ = std::move(path);
  for (std::size_t i = 0; i < children_.size(); ++i) {
    children_[i].move_to(child_path(i), depth + 1);
  }
}

/// The child of a map (or of null, which becomes one) with that key, made as null if need be.
Config& Config::child(const std::string& key) {
  if (kind_ == Kind::kNull) kind_ = Kind::kMap;
  require_map();
  const auto it = std::ranges::find(keys_, key);
  if (it != keys_.end()) return children_[static_cast<std::size_t>(it - keys_.begin())];
  keys_.push_back(key);
  Config& node = children_.emplace_back();
  node.path_ = child_path(keys_.size() - 1);
  return node;
}

void Config::set(std::string_view dotted_key, std::string_view yaml_text) {
  Config value = parse(yaml_text, "--set");
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= dotted_key.size();) {
    const std::size_t end = std::min(dotted_key.find('.', begin), dotted_key.size());
    parts.emplace_back(dotted_key.substr(begin, end - begin));
    begin = end + 1;
  }
  for (const std::string& part : parts) {
    const bool bad = part.empty() || part.size() > kMaxKeyBytes || find_text_fault(part) ||
                     part.find_first_of("\t\r\n") != std::string::npos;
    if (bad)
      value.fail(fmt::format("{} is not a key such as search.trials", in_quotes(dotted_key)));
  }
  value.move_to("", parts.size());  // before anything changes, as it may be too deep
  Config* node = this;
  for (const std::string& part : parts) node = &node->child(part);
  value.move_to(node->path_, parts.size());
  *node = std::move(value);
}

}  // namespace hwnas
