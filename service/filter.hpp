#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "service/job.hpp"

namespace hwnas::service {

enum class FilterType { kString, kInteger, kNumber, kBoolean, kEnum, kTimestamp };

/// A field of a listed resource that a filter may compare.
struct FilterField {
  std::string name;
  FilterType type = FilterType::kString;
  std::vector<std::string> values = {};  ///< of an enum: its names
};

/// What a filter may say of one kind of resource.
struct FilterSchema {
  std::vector<FilterField> fields;
  /// Every other word is a field of type kNumber: metrics, whose names are the run's.
  bool other_numbers = false;
};

/// The value of a field: a string (also for an enum), an integer, a number, … as its type says.
/// Nothing: the resource has no such value, and no comparison with it holds, != included.
using FilterValue = std::variant<std::monostate, std::string, std::int64_t, double, bool, Time>;

/// A filter of a listing, compiled: comparisons joined by AND, a subset of AIP-160, as
/// proto/hwnas/v1/resources.proto describes it.
///
///   filter     = [ comparison { "AND" comparison } ]
///   comparison = field ( "=" | "!=" | "<" | "<=" | ">" | ">=" | ":" ) value
///   field      = [A-Za-z_] { [A-Za-z0-9_.] }
///   value      = a text in "…" or '…' (\ before a quote or \), or a word without spaces and quotes
///
/// Strings compare by bytes, and ":" asks whether they contain the value; enums and booleans have
/// = and != only; timestamps are RFC 3339 and compare to the microsecond. Immutable, hence
/// thread-safe.
class Filter {
 public:
  static constexpr std::size_t kMaxBytes = 2048;
  static constexpr std::size_t kMaxComparisons = 32;

  /// Throws InvalidField for `filter`, with the column (bytes, from 1) and the fields that there
  /// are.
  static Filter parse(std::string_view text, const FilterSchema& schema);

  /// It lets everything through.
  bool empty() const { return comparisons_.empty(); }
  /// `value_of` is asked for fields of the schema; its values have their types.
  bool matches(const std::function<FilterValue(const std::string& field)>& value_of) const;

 private:
  friend class FilterParser;
  enum class Operator { kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual, kHas };
  struct Comparison {
    std::string field;
    Operator op = Operator::kEqual;
    FilterValue value;
  };
  static bool holds(const Comparison& comparison, const FilterValue& value);

  std::vector<Comparison> comparisons_;
};

}  // namespace hwnas::service
