#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

namespace hwnas::service {

struct HttpRequest {
  std::string path;           ///< decoded, without the query
  std::string bearer_token;   ///< of the header Authorization; empty: none
  std::string if_none_match;  ///< as sent
};

struct HttpResponse {
  int status = 200;
  std::string content_type;
  std::string body;
  std::string etag;  ///< empty: none
};

/// An HTTP/1.1 server for reading, on this machine only: GET and HEAD, a few threads, a few seconds
/// a request, one request a connection. What names another host than this machine is refused (421):
/// a page from elsewhere, whose name has been pointed at this machine to get at it (DNS rebinding),
/// does. Browsers are told to load, run and keep nothing but what it serves itself.
class HttpServer {
 public:
  /// Called on several threads at once. What it throws is answered with status 500, and logged.
  using Handler = std::function<HttpResponse(const HttpRequest&)>;

  /// `address`: HOST:PORT, of loopback; port 0: any free one. Throws InvalidArgument for any other,
  /// Unavailable if it is in use.
  HttpServer(const std::string& address, Handler handler);
  /// Ends what is being answered.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// With the port it has got.
  const std::string& address() const { return address_; }

 private:
  class Implementation;

  std::string address_;
  std::unique_ptr<Implementation> implementation_;
  std::thread thread_;
};

/// Whether a Host header names this machine: localhost, 127.x.x.x or [::1], with any port or none
/// (a tunnel's need not be the server's).
bool is_local_host(std::string_view header);

}  // namespace hwnas::service
