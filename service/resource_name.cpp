#include "service/resource_name.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "core/text.hpp"
#include "service/error_status.hpp"

namespace hwnas::service {
namespace {

constexpr std::size_t kMaxIdBytes = 63;

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

std::vector<std::string_view> split(std::string_view name) {
  std::vector<std::string_view> parts;
  for (std::size_t end = 0; end != std::string_view::npos;) {
    end = name.find('/');
    parts.push_back(name.substr(0, end));
    name.remove_prefix(end == std::string_view::npos ? name.size() : end + 1);
  }
  return parts;
}

/// Whether a part of a name stands where `expected` has one: an id for ID, a job's collection for
/// either of them.
bool fits(std::string_view part, std::string_view expected) {
  if (expected == "ID") return is_resource_id(part);
  if (expected == to_string(JobKind::kSearch) && part == to_string(JobKind::kCompression)) {
    return true;
  }
  return part == expected;
}

/// The parts of a name: collections and ids by turns, as in `expected`, "tenants/ID".
std::vector<std::string_view> parts_of(const std::string& field, std::string_view name,
                                       std::string_view expected) {
  const std::vector<std::string_view> parts = split(name);
  if (!std::ranges::equal(parts, split(expected), fits)) {
    throw InvalidField(
        field, fmt::format("{} is no name of the form {}, of ids of 1 to 63 of a-z, 0-9, '.', "
                           "'_', '-' that begin with a letter or digit",
                           in_quotes(name), expected));
  }
  return parts;
}

JobName job_of(const std::vector<std::string_view>& parts) {
  return {std::string(parts[1]), job_kind_from_string(parts[2]), std::string(parts[3])};
}

}  // namespace

bool is_resource_id(std::string_view text) {
  return !text.empty() && text.size() <= kMaxIdBytes && is_letter_or_digit(text[0]) &&
         std::ranges::all_of(text, [](char c) {
           return is_letter_or_digit(c) || c == '.' || c == '_' || c == '-';
         });
}

std::string parse_tenant(const std::string& field, std::string_view name) {
  return std::string(parts_of(field, name, "tenants/ID")[1]);
}

JobName parse_job_name(const std::string& field, std::string_view name) {
  return job_of(parts_of(field, name, "tenants/ID/searchJobs/ID"));
}

OwnedName parse_owned_name(const std::string& field, std::string_view name,
                           std::string_view collection) {
  const auto parts = parts_of(field, name, fmt::format("tenants/ID/{}/ID", collection));
  return {std::string(parts[1]), std::string(parts[3])};
}

ArtifactName parse_artifact_name(const std::string& field, std::string_view name) {
  const auto parts = parts_of(field, name, "tenants/ID/searchJobs/ID/artifacts/ID");
  return {job_of(parts), std::string(parts[5])};
}

}  // namespace hwnas::service
