#pragma once

#include <google/protobuf/struct.pb.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "vizier/study.pb.h"

namespace hwnas::service {

/// The values of one parameter of a study, numbered by codes that rise with them.
///
/// A double has 4,096 of them, evenly spaced on its scale with both bounds among them. An integer
/// has each of its values as long as these are at most 1,048,576, otherwise as many evenly spaced
/// ones; with more than 32 on a logarithmic scale, those nearest to points evenly spaced on it.
/// Several neighbouring codes may stand for one value. The code of a category is its place in the
/// list. Immutable.
class StudyValues {
 public:
  /// `field`: where the parameter stands in the request, for errors. Throws InvalidField.
  StudyValues(const vizier::StudySpec::ParameterSpec& spec, const std::string& field);

  /// A code is written in digits, the first one the coarsest: how many options each has. So a
  /// change of one digit is a step of one of several sizes.
  const std::vector<std::uint32_t>& digits() const { return digits_; }
  std::uint64_t codes() const { return codes_; }
  bool is_ordered() const { return kind_ != Kind::kCategory; }

  google::protobuf::Value value(std::uint64_t code) const;
  /// The number, or the place of the category.
  double number(std::uint64_t code) const;
  /// The least code with the same value.
  std::uint64_t first_of(std::uint64_t code) const;
  /// The least code of the nearest value; nothing if it is of another type, out of the bounds, or
  /// no category of the list.
  std::optional<std::uint64_t> code_of(const google::protobuf::Value& value) const;
  std::optional<std::uint64_t> code_of(double number) const;
  std::optional<std::uint64_t> code_of(const std::string& category) const;

 private:
  enum class Kind { kDouble, kInteger, kDiscrete, kCategory };

  void read_double(const vizier::StudySpec::ParameterSpec& spec, const std::string& field);
  void read_integer(const vizier::StudySpec::ParameterSpec& spec, const std::string& field);
  void read_discrete(const vizier::StudySpec::ParameterSpec& spec, const std::string& field);
  void read_categories(const vizier::StudySpec::ParameterSpec& spec, const std::string& field);
  void read_scale(const vizier::StudySpec::ParameterSpec& spec, const std::string& field);
  void number_by(std::uint64_t values, std::size_t max_digits);
  double at(double unit) const;

  Kind kind_ = Kind::kDouble;
  vizier::StudySpec::ParameterSpec::ScaleType scale_ =
      vizier::StudySpec::ParameterSpec::UNIT_LINEAR_SCALE;
  double min_ = 0;
  double max_ = 0;
  std::uint64_t values_ = 1;  ///< how many an integer or discrete parameter has
  std::uint64_t codes_ = 1;
  std::vector<std::uint32_t> digits_;
  std::vector<double> points_;  ///< of a discrete parameter, rising
  std::vector<std::string> categories_;
  std::map<std::string, std::uint64_t, std::less<>> places_;  ///< of categories
};

}  // namespace hwnas::service
