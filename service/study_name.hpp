#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hwnas::service {

// Names of VizierService's resources. The owner is a tenant. Other ids are the clients' own: 1 to
// 128 bytes of UTF-8 without '/' and control characters. All parsers throw InvalidField for
// `field`.

/// True for what may be a study's id, or a client's.
bool is_study_id(std::string_view text);

/// "owners/acme": the tenant.
std::string parse_owner(const std::string& field, std::string_view name);

/// "owners/acme/studies/a".
struct StudyName {
  std::string tenant;
  std::string id;
  std::string text() const;
  auto operator<=>(const StudyName&) const = default;
};
StudyName parse_study(const std::string& field, std::string_view name);

/// "owners/acme/studies/a/trials/1".
struct TrialName {
  StudyName study;
  std::int64_t id = 0;  ///< from 1
  std::string text() const;
};
TrialName parse_trial(const std::string& field, std::string_view name);
/// "1", as updates of metadata name trials.
std::int64_t parse_trial_id(const std::string& field, std::string_view text);

/// "owners/acme/operations/suggestion/a/CLIENT/1".
struct OperationName {
  StudyName study;
  std::string client;
  std::int64_t number = 0;  ///< from 1
  std::string text() const;
};
OperationName parse_operation(const std::string& field, std::string_view name);

}  // namespace hwnas::service
