#include "service/study_space.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "core/text.hpp"
#include "service/error_status.hpp"

namespace hwnas::service {
namespace {

using Spec = vizier::StudySpec::ParameterSpec;
using Condition = Spec::ConditionalParameterSpec;

constexpr std::size_t kMaxParameters = 1000;
constexpr std::size_t kMaxOptions = 50'000;          // of all decisions
constexpr std::size_t kMaxConditionValues = 10'000;  // of all conditions
constexpr std::size_t kMaxIdBytes = 256;
constexpr int kMaxDepth = 16;

/// The numbers of the parent's values that a condition names.
std::vector<double> numbers_of(const Condition& condition, const StudyValues& parent,
                               const std::string& field) {
  std::vector<double> numbers;
  const auto add = [&](const auto& value) {
    const auto code = parent.code_of(value);
    if (!code) throw InvalidField(field, fmt::format("{} is no value of the parent", value));
    numbers.push_back(parent.number(*code));
  };
  for (const double value : condition.parent_discrete_values().values()) add(value);
  for (const std::int64_t value : condition.parent_int_values().values()) {
    add(static_cast<double>(value));
  }
  for (const auto& value : condition.parent_categorical_values().values()) add(value);
  if (numbers.empty()) {
    throw InvalidField(field, "names no values of the parent with which the parameter is there");
  }
  std::ranges::sort(numbers);
  return numbers;
}

bool overlap(const std::vector<double>& a, const std::vector<double>& b) {
  return std::ranges::any_of(a, [&](double n) { return std::ranges::binary_search(b, n); });
}

}  // namespace

StudySpace::StudySpace(const vizier::StudySpec& spec) {
  if (spec.parameters().empty()) {
    throw InvalidField("study.study_spec.parameters", "there are none: give at least one");
  }
  for (int i = 0; i < spec.parameters_size(); ++i) {
    add(spec.parameters(i), fmt::format("study.study_spec.parameters[{}]", i), {}, {}, 1);
  }
  require_distinct_ids();
}

void StudySpace::add(const Spec& spec, const std::string& field, std::optional<std::size_t> parent,
                     std::vector<double> when, int depth) {
  if (nodes_.size() == kMaxParameters || depth > kMaxDepth) {
    throw InvalidField(field, fmt::format("too much: at most {} parameters, nested at most {} deep",
                                          kMaxParameters, kMaxDepth));
  }
  const std::string& id = spec.parameter_id();
  if (id.empty() || id.size() > kMaxIdBytes || find_text_fault(id)) {
    throw InvalidField(field + ".parameter_id",
                       fmt::format("give 1 to {} bytes of UTF-8", kMaxIdBytes));
  }
  Node node{.id = id, .values = StudyValues(spec, field), .parent = parent};
  node.when = std::move(when);
  add_decisions(node);
  nodes_.push_back(std::move(node));
  add_children(spec, field, nodes_.size() - 1, depth);
}

void StudySpace::add_children(const Spec& spec, const std::string& field, std::size_t parent,
                              int depth) {
  for (int i = 0; i < spec.conditional_parameter_specs_size(); ++i) {
    const Condition& child = spec.conditional_parameter_specs(i);
    const std::string place = fmt::format("{}.conditional_parameter_specs[{}]", field, i);
    if (spec.has_double_value_spec()) {
      throw InvalidField(place, "only integer, discrete and categorical parameters have children");
    }
    std::vector<double> when = numbers_of(child, nodes_[parent].values, place);
    condition_values_ += when.size();
    if (condition_values_ > kMaxConditionValues) {
      throw InvalidField(
          place, fmt::format("too many values of parents in all: at most {}", kMaxConditionValues));
    }
    add(child.parameter_spec(), place + ".parameter_spec", parent, std::move(when), depth + 1);
  }
}

void StudySpace::add_decisions(Node& node) {
  node.first_decision = decisions_.size();
  const auto& digits = node.values.digits();
  for (const std::uint32_t options : digits) options_ += options;
  if (options_ > kMaxOptions) {
    throw InvalidField(
        "study.study_spec.parameters",
        fmt::format("too many values of categories in all: at most {}", kMaxOptions));
  }
  for (std::size_t i = 0; i < digits.size(); ++i) {
    spaces::Decision decision;
    decision.name = fmt::format("{}[{}].{}", node.id, nodes_.size(), i);
    decision.ordered = node.values.is_ordered();
    for (std::uint32_t option = 0; option < digits[i]; ++option) {
      decision.options.push_back(std::to_string(option));
    }
    decisions_.push_back(std::move(decision));
  }
}

void StudySpace::require_distinct_ids() const {
  std::multimap<std::string, std::size_t> by_id;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const auto [first, last] = by_id.equal_range(nodes_[i].id);
    for (auto other = first; other != last; ++other) {
      if (may_be_active_together(other->second, i)) {
        throw InvalidField("study.study_spec.parameters",
                           fmt::format("{}: two parameters of this id can be active together; "
                                       "rename one",
                                       in_quotes(nodes_[i].id)));
      }
    }
    by_id.emplace(nodes_[i].id, i);
  }
}

/// Unless their ways from the root part at one parameter, with values that exclude each other.
bool StudySpace::may_be_active_together(std::size_t a, std::size_t b) const {
  const auto way_to = [this](std::size_t node) {
    std::vector<std::size_t> way{node};
    while (nodes_[way.back()].parent) way.push_back(*nodes_[way.back()].parent);
    std::ranges::reverse(way);
    return way;
  };
  const std::vector<std::size_t> to_a = way_to(a);
  const std::vector<std::size_t> to_b = way_to(b);
  const auto [in_a, in_b] = std::ranges::mismatch(to_a, to_b);
  if (in_a == to_a.end() || in_b == to_b.end()) return true;  // one is in the other
  const Node& fork_a = nodes_[*in_a];
  const Node& fork_b = nodes_[*in_b];
  return !fork_a.parent || overlap(fork_a.when, fork_b.when);
}

std::uint64_t StudySpace::code(const Node& node, const spaces::Genotype& genotype) const {
  std::uint64_t code = 0;
  const auto& digits = node.values.digits();
  for (std::size_t i = 0; i < digits.size(); ++i) {
    code = code * digits[i] + genotype.choices[node.first_decision + i];
  }
  return code;
}

void StudySpace::set_code(const Node& node, std::uint64_t code, spaces::Genotype& genotype) const {
  const auto& digits = node.values.digits();
  for (std::size_t i = digits.size(); i-- > 0; code /= digits[i]) {
    genotype.choices[node.first_decision + i] = static_cast<std::uint16_t>(code % digits[i]);
  }
}

bool StudySpace::is_active(const Node& node,
                           const std::vector<std::optional<double>>& numbers) const {
  if (!node.parent) return true;
  const std::optional<double> number = numbers[*node.parent];
  return number && std::ranges::binary_search(node.when, *number);
}

template <typename Visit>
void StudySpace::visit_active(const spaces::Genotype& genotype, const Visit& visit) const {
  spaces::require_member(*this, genotype);
  std::vector<std::optional<double>> numbers(nodes_.size());
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (!is_active(nodes_[i], numbers)) continue;
    const std::uint64_t code_of_node = code(nodes_[i], genotype);
    numbers[i] = nodes_[i].values.number(code_of_node);
    visit(nodes_[i], code_of_node);
  }
}

spaces::Genotype StudySpace::canonical(const spaces::Genotype& genotype) const {
  spaces::Genotype result;
  result.choices.resize(decisions_.size());
  visit_active(genotype, [&](const Node& node, std::uint64_t code) {
    set_code(node, node.values.first_of(code), result);
  });
  return result;
}

StudySpace::Parameters StudySpace::parameters(const spaces::Genotype& genotype) const {
  Parameters parameters;
  visit_active(genotype, [&](const Node& node, std::uint64_t code) {
    vizier::Trial::Parameter& parameter = *parameters.Add();
    parameter.set_parameter_id(node.id);
    *parameter.mutable_value() = node.values.value(code);
  });
  return parameters;
}

std::optional<spaces::Genotype> StudySpace::genotype(const Parameters& parameters) const {
  spaces::Genotype result;
  result.choices.resize(decisions_.size());
  std::vector<std::optional<double>> numbers(nodes_.size());
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (!is_active(nodes_[i], numbers)) continue;
    const auto given =
        std::ranges::find(parameters, nodes_[i].id, [](const auto& p) { return p.parameter_id(); });
    if (given == parameters.end()) return std::nullopt;
    const auto nearest = nodes_[i].values.code_of(given->value());
    if (!nearest) return std::nullopt;
    numbers[i] = nodes_[i].values.number(*nearest);
    set_code(nodes_[i], *nearest, result);
  }
  return result;
}

}  // namespace hwnas::service
