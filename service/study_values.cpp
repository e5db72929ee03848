#include "service/study_values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "core/text.hpp"
#include "service/error_status.hpp"

namespace hwnas::service {
namespace {

using Spec = vizier::StudySpec::ParameterSpec;

constexpr std::uint64_t kBase = 16;
constexpr std::uint64_t kMaxSingleDigit = 32;
constexpr std::size_t kDigitsOfDouble = 3;
constexpr std::size_t kMaxDigits = 5;
constexpr int kMaxListed = 4096;
constexpr std::size_t kMaxCategoryBytes = 1024;
// What a protobuf Value can hold exactly.
constexpr std::int64_t kMaxInteger = std::int64_t{1} << 53;

std::uint64_t power(std::uint64_t base, std::size_t exponent) {
  std::uint64_t result = 1;
  for (std::size_t i = 0; i < exponent; ++i) result *= base;
  return result;
}

}  // namespace

StudyValues::StudyValues(const Spec& spec, const std::string& field) {
  switch (spec.parameter_value_spec_case()) {
    case Spec::kDoubleValueSpec:
      read_double(spec, field + ".double_value_spec");
      break;
    case Spec::kIntegerValueSpec:
      read_integer(spec, field + ".integer_value_spec");
      break;
    case Spec::kDiscreteValueSpec:
      read_discrete(spec, field + ".discrete_value_spec");
      break;
    case Spec::kCategoricalValueSpec:
      read_categories(spec, field + ".categorical_value_spec");
      break;
    case Spec::PARAMETER_VALUE_SPEC_NOT_SET:
      throw InvalidField(field,
                         "has no values: set one of double_value_spec, integer_value_spec, "
                         "discrete_value_spec, categorical_value_spec");
  }
}

void StudyValues::read_double(const Spec& spec, const std::string& field) {
  min_ = spec.double_value_spec().min_value();
  max_ = spec.double_value_spec().max_value();
  if (!std::isfinite(min_) || !std::isfinite(max_) || min_ > max_) {
    throw InvalidField(
        field,
        fmt::format("{} to {} is no range: give finite bounds, the smaller one first", min_, max_));
  }
  read_scale(spec, field);
  if (min_ == max_) return number_by(1, 1);
  digits_.assign(kDigitsOfDouble, kBase);
  codes_ = power(kBase, kDigitsOfDouble);
}

void StudyValues::read_integer(const Spec& spec, const std::string& field) {
  kind_ = Kind::kInteger;
  const std::int64_t min = spec.integer_value_spec().min_value();
  const std::int64_t max = spec.integer_value_spec().max_value();
  if (min > max || min < -kMaxInteger || max > kMaxInteger) {
    throw InvalidField(field,
                       fmt::format("{} to {} is no range: give bounds of at most 2^53 either "
                                   "way, the smaller one first",
                                   min, max));
  }
  min_ = static_cast<double>(min);
  max_ = static_cast<double>(max);
  const std::uint64_t values = static_cast<std::uint64_t>(max - min) + 1;
  read_scale(spec, field);
  if (values <= kMaxSingleDigit) scale_ = Spec::UNIT_LINEAR_SCALE;
  const bool linear = scale_ == Spec::UNIT_LINEAR_SCALE;
  number_by(linear ? values : std::max(values, power(kBase, kDigitsOfDouble)), kMaxDigits);
}

void StudyValues::read_discrete(const Spec& spec, const std::string& field) {
  kind_ = Kind::kDiscrete;
  const auto& values = spec.discrete_value_spec().values();
  const bool finite = std::ranges::all_of(values, [](double v) { return std::isfinite(v); });
  if (values.empty() || values.size() > kMaxListed || !finite) {
    throw InvalidField(field + ".values", fmt::format("give 1 to {} finite numbers", kMaxListed));
  }
  const std::set<double> sorted(values.begin(), values.end());
  points_.assign(sorted.begin(), sorted.end());
  number_by(points_.size(), kMaxDigits);
}

void StudyValues::read_categories(const Spec& spec, const std::string& field) {
  kind_ = Kind::kCategory;
  const auto& values = spec.categorical_value_spec().values();
  categories_.assign(values.begin(), values.end());
  for (std::uint64_t i = 0; i < categories_.size(); ++i) places_.emplace(categories_[i], i);
  const bool fit = std::ranges::all_of(
      values, [](const auto& value) { return value.size() <= kMaxCategoryBytes; });
  if (values.empty() || values.size() > kMaxListed || !fit ||
      places_.size() != categories_.size()) {
    throw InvalidField(field + ".values",
                       fmt::format("give 1 to {} different texts of at most {} bytes", kMaxListed,
                                   kMaxCategoryBytes));
  }
  values_ = codes_ = categories_.size();
  digits_ = {static_cast<std::uint32_t>(codes_)};
}

void StudyValues::read_scale(const Spec& spec, const std::string& field) {
  const bool logarithmic = spec.scale_type() == Spec::UNIT_LOG_SCALE ||
                           spec.scale_type() == Spec::UNIT_REVERSE_LOG_SCALE;
  if (logarithmic && min_ <= 0) {
    throw InvalidField(field + ".min_value",
                       fmt::format("{} is not positive, as a logarithmic scale needs it", min_));
  }
  if (logarithmic) scale_ = spec.scale_type();
}

/// As many codes as there are values, or few more, so that a code stands for about one.
void StudyValues::number_by(std::uint64_t values, std::size_t max_digits) {
  values_ = values;
  if (values <= kMaxSingleDigit) {
    digits_ = {static_cast<std::uint32_t>(values)};
    codes_ = values;
    return;
  }
  std::size_t count = 1;
  while (count < max_digits && power(kBase, count) < values) ++count;
  std::uint64_t base = 2;
  while (base < kBase && power(base, count) < values) ++base;
  digits_.assign(count, static_cast<std::uint32_t>(base));
  codes_ = power(base, count);
}

/// The number at a share of the scale.
double StudyValues::at(double unit) const {
  const auto logarithmic = [this](double share) {
    return std::exp(std::log(min_) * (1 - share) + std::log(max_) * share);
  };
  double number = 0;
  switch (scale_) {
    case Spec::UNIT_LOG_SCALE:
      number = logarithmic(unit);
      break;
    case Spec::UNIT_REVERSE_LOG_SCALE:
      number = max_ - (logarithmic(1 - unit) - min_);
      break;
    default:
      number = min_ * (1 - unit) + max_ * unit;
  }
  return std::clamp(number, min_, max_);
}

double StudyValues::number(std::uint64_t code) const {
  if (kind_ == Kind::kCategory) return static_cast<double>(code);
  const auto place = [&] { return code * values_ / codes_; };
  if (kind_ == Kind::kDiscrete) return points_[place()];
  const bool each = values_ <= codes_ && scale_ == Spec::UNIT_LINEAR_SCALE;
  if (kind_ == Kind::kInteger && each) return min_ + static_cast<double>(place());
  if (code == 0) return min_;
  if (code == codes_ - 1) return max_;
  const double number = at(static_cast<double>(code) / static_cast<double>(codes_ - 1));
  return kind_ == Kind::kInteger ? std::round(number) : number;
}

google::protobuf::Value StudyValues::value(std::uint64_t code) const {
  google::protobuf::Value value;
  if (kind_ == Kind::kCategory) {
    value.set_string_value(categories_[code]);
  } else {
    value.set_number_value(number(code));
  }
  return value;
}

std::uint64_t StudyValues::first_of(std::uint64_t code) const {
  if (kind_ == Kind::kCategory) return code;
  const double same = number(code);
  while (code > 0 && number(code - 1) == same) {
    // Few codes share a value, but for small integers on a logarithmic scale.
    std::uint64_t step = 1;
    while (step <= code && number(code - step) == same) step *= 2;
    code -= step / 2;
  }
  return code;
}

std::optional<std::uint64_t> StudyValues::code_of(double number_sought) const {
  if (kind_ == Kind::kCategory) return std::nullopt;
  const double tolerance = 1e-9 * std::max(std::abs(number(0)), std::abs(number(codes_ - 1)));
  const bool within =
      number_sought >= number(0) - tolerance && number_sought <= number(codes_ - 1) + tolerance;
  if (!within) return std::nullopt;  // also of a NaN
  std::uint64_t low = 0;
  std::uint64_t high = codes_ - 1;  // the least code whose number is not below lies in [low, high]
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    if (number(middle) < number_sought) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  const bool below_is_nearer =
      low > 0 && number_sought - number(low - 1) < number(low) - number_sought;
  return first_of(below_is_nearer ? low - 1 : low);
}

std::optional<std::uint64_t> StudyValues::code_of(const std::string& category) const {
  const auto found = places_.find(category);
  return found == places_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::uint64_t> StudyValues::code_of(const google::protobuf::Value& value) const {
  switch (value.kind_case()) {
    case google::protobuf::Value::kNumberValue:
      return code_of(value.number_value());
    case google::protobuf::Value::kStringValue:
      return code_of(value.string_value());
    default:
      return std::nullopt;
  }
}

}  // namespace hwnas::service
