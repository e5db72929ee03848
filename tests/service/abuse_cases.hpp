#pragma once

#include <grpcpp/support/status.h>

#include <string>
#include <utility>
#include <vector>

namespace hwnas::service {

inline constexpr const char* kAttackerToken = "attacker-0123456789";
inline constexpr const char* kReaderToken = "attackers-reader-0123456789";

/// One call that nobody should make, and what is to be answered.
struct AbuseCase {
  std::string name;
  std::string method;   ///< of hwnas.v1.SearchService, or with a slash of any service
  std::string request;  ///< bytes
  grpc::StatusCode expected = grpc::StatusCode::INVALID_ARGUMENT;
  std::string message = {};  ///< a part of it
  std::vector<std::pair<std::string, std::string>> metadata = {};
  bool by_attacker = true;  ///< with the attacker's token beside the metadata
  bool compressed = false;
};

/// What the cases need to know of the daemon: an experiment that it accepts, a finished job of the
/// attacker's with its artifact's size, a job of another tenant's, and a page token that was given
/// for the attacker's jobs two at a time.
struct AbuseTarget {
  std::string experiment;
  std::string own_job;
  std::string foreign_job;
  std::string page_token;
};

std::vector<AbuseCase> abuse_cases(const AbuseTarget& target);
/// Those of them for other services than SearchService.
std::vector<AbuseCase> other_service_cases();

/// Bytes for the bare socket: no client of gRPC would send them.
std::vector<std::pair<std::string, std::string>> abusive_bytes();

}  // namespace hwnas::service
