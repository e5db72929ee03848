#include "service/study_name.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <vector>

#include "core/text.hpp"
#include "service/error_status.hpp"
#include "service/resource_name.hpp"

namespace hwnas::service {
namespace {

constexpr std::size_t kMaxIdBytes = 128;
constexpr std::string_view kTrial = "owners/TENANT/studies/ID/trials/NUMBER";

std::vector<std::string> split(std::string_view name) {
  std::vector<std::string> parts;
  for (std::size_t end = 0; end != std::string_view::npos;) {
    end = name.find('/');
    parts.emplace_back(name.substr(0, end));
    name.remove_prefix(end == std::string_view::npos ? name.size() : end + 1);
  }
  return parts;
}

std::optional<std::int64_t> number_of(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = failure == std::errc() && end == text.data() + text.size();
  return whole && number > 0 && text[0] != '0' ? std::optional(number) : std::nullopt;
}

[[noreturn]] void refuse(const std::string& field, std::string_view name,
                         std::string_view expected) {
  throw InvalidField(field, fmt::format("{} is no name of the form {}", in_quotes(name), expected));
}

bool is_study(const std::vector<std::string>& parts) {
  return parts.size() >= 4 && parts[0] == "owners" && is_resource_id(parts[1]) &&
         parts[2] == "studies" && is_study_id(parts[3]);
}

}  // namespace

bool is_study_id(std::string_view text) {
  return !text.empty() && text.size() <= kMaxIdBytes && !find_text_fault(text) &&
         std::ranges::none_of(text, [](char c) { return c == '/' || c == '\n' || c == '\t'; });
}

std::string StudyName::text() const {
  return fmt::format("owners/{}/studies/{}", tenant, id);
}

std::string TrialName::text() const {
  return fmt::format("{}/trials/{}", study.text(), id);
}

std::string OperationName::text() const {
  return fmt::format("owners/{}/operations/suggestion/{}/{}/{}", study.tenant, study.id, client,
                     number);
}

std::string parse_owner(const std::string& field, std::string_view name) {
  const std::vector<std::string> parts = split(name);
  if (parts.size() != 2 || parts[0] != "owners" || !is_resource_id(parts[1])) {
    refuse(field, name,
           "owners/TENANT, the tenant of 1 to 63 of a-z, 0-9, '.', '_', '-' that begins with a "
           "letter or digit");
  }
  return parts[1];
}

StudyName parse_study(const std::string& field, std::string_view name) {
  const std::vector<std::string> parts = split(name);
  if (!is_study(parts) || parts.size() != 4) refuse(field, name, "owners/TENANT/studies/ID");
  return {parts[1], parts[3]};
}

TrialName parse_trial(const std::string& field, std::string_view name) {
  const std::vector<std::string> parts = split(name);
  if (!is_study(parts) || parts.size() != 6 || parts[4] != "trials") refuse(field, name, kTrial);
  const auto id = number_of(parts[5]);
  if (!id) refuse(field, name, kTrial);
  return {{parts[1], parts[3]}, *id};
}

std::int64_t parse_trial_id(const std::string& field, std::string_view text) {
  const auto id = number_of(text);
  if (!id) throw InvalidField(field, in_quotes(text) + " is no trial's id: 1, 2, … is expected");
  return *id;
}

OperationName parse_operation(const std::string& field, std::string_view name) {
  const std::vector<std::string> parts = split(name);
  const bool fits = parts.size() == 7 && parts[0] == "owners" && is_resource_id(parts[1]) &&
                    parts[2] == "operations" && parts[3] == "suggestion" && is_study_id(parts[4]) &&
                    is_study_id(parts[5]);
  const auto number = fits ? number_of(parts[6]) : std::nullopt;
  if (!number) refuse(field, name, "owners/TENANT/operations/suggestion/STUDY/CLIENT/NUMBER");
  return {{parts[1], parts[4]}, parts[5], *number};
}

}  // namespace hwnas::service
