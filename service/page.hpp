#pragma once

#include <filesystem>
#include <string>

#include "service/authorization.hpp"
#include "service/http_server.hpp"
#include "service/metrics.hpp"
#include "service/page_data.hpp"

namespace hwnas::service {

inline constexpr const char* kPageKeyFile = "page_key";

/// The live page and the metrics, over HTTP on loopback.
///
///   /, /page.css, /page.js    the page itself, without any data: to everybody
///   /metrics                  to everybody who can connect, without names of tenants; with the
///                             operator's key, with them
///   /api/overview, /api/jobs/UID   what PageData gives, to who sends "Authorization: Bearer …"
///                             with the operator's key (all tenants) or with a tenant's token (its
///                             own). Every user of the machine can connect to loopback, so nothing
///                             is shown without; and since no cookie is used, no other page can
///                             have a browser ask in its name.
class Page {
 public:
  /// The operator's key is made in `folder`/page_key if it is not there; only the owner may read
  /// it. All outlive this object. Throws what HttpServer does, and InvalidArgument for a key that
  /// others can read.
  Page(const std::string& address, const std::filesystem::path& folder, const Metrics& metrics,
       const PageData& data, const Authorization& authorization);

  /// "127.0.0.1:8080"
  const std::string& address() const { return server_.address(); }

 private:
  HttpResponse answer(const HttpRequest& request) const;
  HttpResponse api(const HttpRequest& request) const;
  std::optional<Caller> caller_of(const HttpRequest& request) const;

  const Metrics& metrics_;
  const PageData& data_;
  const Authorization& authorization_;
  const std::string key_;
  HttpServer server_;  // last: it uses all of the above
};

}  // namespace hwnas::service
