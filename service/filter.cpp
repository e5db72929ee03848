#include "service/filter.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/text.hpp"
#include "service/error_status.hpp"

namespace hwnas::service {
namespace {

constexpr std::string_view kSpaces = " \t\r\n";
constexpr std::string_view kQuotes = "\"'";

bool is_field_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool is_field_character(char c) {
  return is_field_start(c) || (c >= '0' && c <= '9') || c == '.';
}

std::string_view expectation(FilterType type) {
  switch (type) {
    case FilterType::kString:
      return "a text";
    case FilterType::kInteger:
      return "an integer";
    case FilterType::kNumber:
      return "a number";
    case FilterType::kBoolean:
      return "true or false";
    case FilterType::kEnum:
      return "a name";
    case FilterType::kTimestamp:
      return "a time as \"2026-11-21T08:00:00Z\"";
  }
  return "";
}

template <typename T>
FilterValue value_or_nothing(const std::optional<T>& value) {
  return value ? FilterValue(*value) : FilterValue();
}

FilterValue time_from(const std::string& text) {
  google::protobuf::Timestamp time;
  using google::protobuf::util::TimeUtil;
  if (!TimeUtil::FromString(text, &time)) return {};
  return Time(std::chrono::microseconds(TimeUtil::TimestampToMicroseconds(time)));
}

/// Nothing for what is no value of the field.
FilterValue value_from(const FilterField& field, const std::string& text) {
  switch (field.type) {
    case FilterType::kString:
      return text;
    case FilterType::kInteger:
      return value_or_nothing(parse_integer(text));
    case FilterType::kNumber:
      return value_or_nothing(parse_number(text));
    case FilterType::kBoolean:
      return text == "true" || text == "false" ? FilterValue(text == "true") : FilterValue();
    case FilterType::kEnum:
      return std::ranges::count(field.values, text) > 0 ? FilterValue(text) : FilterValue();
    case FilterType::kTimestamp:
      return time_from(text);
  }
  return {};
}

}  // namespace

class FilterParser {
 public:
  FilterParser(std::string_view text, const FilterSchema& schema) : text_(text), schema_(schema) {}

  Filter parse() {
    if (text_.size() > Filter::kMaxBytes) {
      throw InvalidField(
          "filter", fmt::format("has {} bytes; {} are the most", text_.size(), Filter::kMaxBytes));
    }
    if (const auto fault = find_text_fault(text_)) fail(fault->offset, fault->reason);
    Filter filter;
    skip_spaces();
    if (at_end()) return filter;
    filter.comparisons_.push_back(comparison());
    for (skip_spaces(); !at_end(); skip_spaces()) {
      take_and();
      if (filter.comparisons_.size() == Filter::kMaxComparisons) {
        fail(at_, fmt::format("more than {} comparisons", Filter::kMaxComparisons));
      }
      filter.comparisons_.push_back(comparison());
    }
    return filter;
  }

 private:
  using Operator = Filter::Operator;

  bool at_end() const { return at_ == text_.size(); }
  std::string_view rest() const { return text_.substr(at_); }
  void skip_spaces() { at_ = std::min(text_.find_first_not_of(kSpaces, at_), text_.size()); }

  [[noreturn]] void fail(std::size_t offset, const std::string& message) const {
    throw InvalidField("filter", fmt::format("column {}: {}", offset + 1, message));
  }

  std::string_view word() {
    const std::size_t begin = at_;
    while (!at_end() && is_field_character(text_[at_])) ++at_;
    return text_.substr(begin, at_ - begin);
  }

  void take_and() {
    const std::size_t begin = at_;
    if (word() != "AND") {
      fail(begin, "AND is expected between comparisons; there is no OR, NOT or bracket");
    }
    skip_spaces();
  }

  Filter::Comparison comparison() {
    const std::size_t begin = at_;
    const FilterField field = known_field(begin, std::string(word()));
    skip_spaces();
    const std::size_t at_operator = at_;
    const Operator op = take_operator();
    require_operator(at_operator, field, op);
    skip_spaces();
    const std::size_t at_value = at_;
    const std::string text = value();
    FilterValue value = value_from(field, text);
    if (std::holds_alternative<std::monostate>(value)) refuse_value(at_value, field, text);
    return {field.name, op, std::move(value)};
  }

  FilterField known_field(std::size_t begin, const std::string& name) const {
    if (name.empty() || !is_field_start(name[0])) {
      fail(begin, fmt::format("the name of a field is expected ({})", known()));
    }
    const auto found = std::ranges::find(schema_.fields, name, &FilterField::name);
    if (found != schema_.fields.end()) return *found;
    if (schema_.other_numbers) return {name, FilterType::kNumber};
    fail(begin,
         fmt::format("no field {}{} ({})", in_quotes(name), did_you_mean(name, names()), known()));
  }

  Operator take_operator() {
    constexpr std::pair<std::string_view, Operator> kOperators[] = {
        {"!=", Operator::kNotEqual}, {"<=", Operator::kLessEqual}, {">=", Operator::kGreaterEqual},
        {"=", Operator::kEqual},     {"<", Operator::kLess},       {">", Operator::kGreater},
        {":", Operator::kHas}};
    for (const auto& [sign, op] : kOperators) {
      if (!rest().starts_with(sign)) continue;
      at_ += sign.size();
      return op;
    }
    fail(at_, "one of =, !=, <, <=, >, >= and : is expected");
  }

  void require_operator(std::size_t begin, const FilterField& field, Operator op) const {
    const bool unordered = field.type == FilterType::kEnum || field.type == FilterType::kBoolean;
    if (unordered && op != Operator::kEqual && op != Operator::kNotEqual) {
      fail(begin, fmt::format("'{}' can only be compared by = and !=", field.name));
    }
    if (op == Operator::kHas && field.type != FilterType::kString) {
      fail(begin, fmt::format("':' is for texts; compare {} by =, !=, <, <=, > or >=",
                              in_quotes(field.name)));
    }
  }

  std::string value() {
    if (at_end()) fail(at_, "a value is expected");
    if (kQuotes.find(text_[at_]) != std::string_view::npos) return quoted_value();
    const std::size_t begin = at_;
    at_ = std::min(text_.find_first_of(" \t\r\n\"'()", at_), text_.size());
    if (at_ == begin) fail(at_, "a value is expected; put one with brackets in quotes");
    return std::string(text_.substr(begin, at_ - begin));
  }

  std::string quoted_value() {
    const std::size_t begin = at_;
    const char quote = text_[at_++];
    std::string value;
    for (; !at_end(); ++at_) {
      if (text_[at_] == quote) {
        ++at_;
        return value;
      }
      const std::string_view next = rest().substr(1, 1);
      const bool escape = text_[at_] == '\\' && (next == "\\" || next == "\"" || next == "'");
      if (escape) ++at_;
      value += text_[at_];
    }
    fail(begin, "the quote is not closed");
  }

  [[noreturn]] void refuse_value(std::size_t begin, const FilterField& field,
                                 const std::string& text) const {
    const bool listed = std::ranges::count(schema_.fields, field.name, &FilterField::name) > 0;
    const std::string expected = field.type == FilterType::kEnum
                                     ? fmt::format("one of {}", fmt::join(field.values, ", "))
                                     : std::string(expectation(field.type));
    fail(begin, fmt::format("'{}' is compared with {}, not with {}{}{}", field.name, expected,
                            in_quotes(text), did_you_mean(text, field.values),
                            listed ? "" : fmt::format(" ({})", known())));
  }

  std::vector<std::string> names() const {
    std::vector<std::string> result;
    for (const FilterField& field : schema_.fields) result.push_back(field.name);
    return result;
  }
  std::string known() const {
    return fmt::format("fields: {}{}", fmt::join(names(), ", "),
                       schema_.other_numbers ? ", and metrics by name" : "");
  }

  const std::string_view text_;
  const FilterSchema& schema_;
  std::size_t at_ = 0;
};

Filter Filter::parse(std::string_view text, const FilterSchema& schema) {
  return FilterParser(text, schema).parse();
}

bool Filter::matches(const std::function<FilterValue(const std::string&)>& value_of) const {
  return std::ranges::all_of(comparisons_, [&](const Comparison& comparison) {
    return holds(comparison, value_of(comparison.field));
  });
}

bool Filter::holds(const Comparison& comparison, const FilterValue& value) {
  if (value.index() != comparison.value.index()) return false;
  const double* const number = std::get_if<double>(&value);
  if (number != nullptr && std::isnan(*number)) return false;
  switch (comparison.op) {
    case Operator::kEqual:
      return value == comparison.value;
    case Operator::kNotEqual:
      return value != comparison.value;
    case Operator::kLess:
      return value < comparison.value;
    case Operator::kLessEqual:
      return value <= comparison.value;
    case Operator::kGreater:
      return value > comparison.value;
    case Operator::kGreaterEqual:
      return value >= comparison.value;
    case Operator::kHas:
      return std::get<std::string>(value).find(std::get<std::string>(comparison.value)) !=
             std::string::npos;
  }
  return false;
}

}  // namespace hwnas::service
