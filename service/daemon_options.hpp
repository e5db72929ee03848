#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "service/network_quota.hpp"
#include "service/supervisor.hpp"

namespace hwnas::service {

struct DaemonOptions {
  std::filesystem::path folder;    ///< of the daemon's data; made if need be
  std::string listen;              ///< HOST:PORT (port 0: any free one), or unix:PATH; empty:
                                   ///< unix:<folder>/hwnasd.sock
  std::filesystem::path datasets;  ///< see Datasets; empty: none
  std::filesystem::path tokens;    ///< see Tokens; empty: none
  /// PEM files, all three or none: the daemon's certificate and key, and the authority that
  /// clients' certificates must be signed by. They are read again when they change.
  std::filesystem::path tls_certificate;
  std::filesystem::path tls_key;
  std::filesystem::path tls_client_authority;
  TenantQuota quota = {.unfinished_jobs = 100};
  NetworkQuota networks;
  std::string page;  ///< HOST:PORT of loopback, for the live page and metrics; empty: neither
  /// What reads data sets of uploads (see DatasetReadingOptions).
  std::vector<std::string> dataset_reader;
  SupervisorOptions jobs;  ///< folder: filled in from above
};

/// The address to listen on, checked: a Unix socket that only its owner can open; a loopback
/// address with tokens, since every user of the machine can connect to it; any other with
/// certificates. Throws InvalidArgument, with what to do, for all that would let strangers in.
std::string checked_address(const DaemonOptions& options);

}  // namespace hwnas::service
