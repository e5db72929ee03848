#pragma once

#include <map>
#include <string>

#include "tests/service/sample_daemon.hpp"

namespace hwnas::service {

struct HttpAnswer {
  int status = 0;  ///< 0: there was none
  std::string body;
  std::map<std::string, std::string> headers;
};
/// `address`: "127.0.0.1:8080".
HttpAnswer http_get(const std::string& address, const std::string& path,
                    const std::map<std::string, std::string>& headers = {},
                    const std::string& method = "GET");

/// Where a daemon that was started with --page serves it, as its log says; empty after half a
/// minute.
std::string page_address(const DaemonProcess& daemon);

/// The header that shows a token or the operator's key.
std::map<std::string, std::string> bearer(const std::string& token);
/// The operator's, of a data folder.
std::string page_key(const std::filesystem::path& data);

}  // namespace hwnas::service
