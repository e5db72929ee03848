#include "service/http_server.hpp"

#include <fmt/format.h>
#include <httplib.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <nlohmann/json.hpp>
#include <vector>

#include "core/error.hpp"
#include "core/text.hpp"
#include "measurement/agent_protocol.hpp"
#include "service/log.hpp"

namespace hwnas::service {
namespace {

constexpr int kThreads = 8;
constexpr std::size_t kMaxWaiting = 64;
constexpr int kSecondsOfRead = 5;
constexpr int kSecondsOfWrite = 10;
constexpr std::size_t kMaxBodyBytes = 1024;  // GET has none; this bounds what is read of one

const httplib::Headers kSafeHeaders = {
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
     "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "DENY"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cache-Control", "no-store"},
};

/// httplib's own queue takes connections without bound. This one makes those wait in the system's
/// that it has no room for.
class BoundedThreads final : public httplib::TaskQueue {
 public:
  BoundedThreads() {
    for (int i = 0; i < kThreads; ++i) threads_.emplace_back([this] { serve(); });
  }

  void enqueue(std::function<void()> work) override {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waiting_.size() < kMaxWaiting; });
    waiting_.push_back(std::move(work));
    changed_.notify_all();
  }

  void shutdown() override {
    {
      const std::lock_guard lock(mutex_);
      closing_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

 private:
  void serve() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [&] { return closing_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      const std::function<void()> work = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      changed_.notify_all();
      work();
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;
  bool closing_ = false;
  std::vector<std::thread> threads_;
};

struct HostPort {
  std::string host;  // of [::1]: without brackets
  int port = 0;
};

HostPort parse_address(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  const std::int64_t port =
      colon == std::string::npos ? -1 : parse_integer(address.substr(colon + 1)).value_or(-1);
  if (address.starts_with("unix:") || !measurement::is_loopback(address) || port < 0 ||
      port > 65535) {
    throw invalid_argument(
        "{}: the page is for this machine only; give --page 127.0.0.1:PORT, and come from "
        "elsewhere "
        "by an ssh tunnel",
        in_quotes(address));
  }
  std::string host = address.substr(0, colon);
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  return {host, static_cast<int>(port)};
}

std::string bearer_token_of(const httplib::Request& request) {
  constexpr std::string_view kScheme = "Bearer ";
  const std::string value = request.get_header_value("Authorization");
  return value.starts_with(kScheme) ? value.substr(kScheme.size()) : "";
}

void answer(const HttpServer::Handler& handler, const httplib::Request& request,
            httplib::Response& response) {
  const auto fill = [&](int status, const std::string& body, const std::string& type) {
    response.status = status;
    response.set_content(body, type);
  };
  if (request.get_header_value_count("Host") != 1 ||
      !is_local_host(request.get_header_value("Host"))) {
    return fill(421, "this server is for its own machine only: open it as 127.0.0.1\n",
                "text/plain; charset=utf-8");
  }
  if (request.method != "GET" && request.method != "HEAD") {
    return fill(405, "read only: GET\n", "text/plain; charset=utf-8");
  }
  try {
    const HttpResponse made = handler(
        {request.path, bearer_token_of(request), request.get_header_value("If-None-Match")});
    if (!made.etag.empty()) response.set_header("ETag", made.etag);
    fill(made.status, made.body, made.content_type);
  } catch (const std::exception& failure) {
    log_event(LogLevel::kError, "page_failed",
              {{"path", request.path}, {"message", failure.what()}});
    fill(500, "the daemon's log says what went wrong\n", "text/plain; charset=utf-8");
  }
}

}  // namespace

class HttpServer::Implementation {
 public:
  explicit Implementation(Handler handler) {
    server.new_task_queue = [] { return new BoundedThreads; };
    server.set_keep_alive_max_count(1);  // a connection that is kept would hold a thread
    server.set_read_timeout(kSecondsOfRead);
    server.set_write_timeout(kSecondsOfWrite);
    server.set_payload_max_length(kMaxBodyBytes);
    server.set_default_headers(kSafeHeaders);
    // Not its default, by which another process of this user could take half of the requests.
    server.set_socket_options([this](socket_t made) {
      const int yes = 1;
      ::setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
      socket = made;
    });
    server.set_pre_routing_handler([handler = std::move(handler)](const httplib::Request& request,
                                                                  httplib::Response& response) {
      answer(handler, request, response);
      return httplib::Server::HandlerResponse::Handled;
    });
  }

  /// The library, once bound, lets 5 connections wait. The system drops what comes beyond, and its
  /// sender tries again after seconds.
  void widen_queue() const { ::listen(socket, SOMAXCONN); }

  httplib::Server server;
  socket_t socket = INVALID_SOCKET;
};

HttpServer::HttpServer(const std::string& address, Handler handler) {
  const HostPort wanted = parse_address(address);
  implementation_ = std::make_unique<Implementation>(std::move(handler));
  httplib::Server& server = implementation_->server;
  int port = wanted.port;
  if (port == 0) {
    port = server.bind_to_any_port(wanted.host);
  } else if (!server.bind_to_port(wanted.host, port)) {
    port = -1;
  }
  if (port <= 0) {
    throw error(ErrorCode::kUnavailable, "cannot listen on {} (--page): is it in use?", address);
  }
  implementation_->widen_queue();
  address_ = fmt::format("{}:{}", address.substr(0, address.rfind(':')), port);
  thread_ = std::thread([&server] { server.listen_after_bind(); });
  // Before that, stop() would do nothing.
  while (!server.is_running()) std::this_thread::yield();
}

HttpServer::~HttpServer() {
  if (!thread_.joinable()) return;
  implementation_->server.stop();
  thread_.join();
}

bool is_local_host(std::string_view header) {
  constexpr std::string_view kDigits = "0123456789";
  const std::size_t colon = header.rfind(':');
  if (colon != std::string_view::npos && !header.ends_with(']')) {
    if (header.find_first_not_of(kDigits, colon + 1) != std::string_view::npos) return false;
    header = header.substr(0, colon);
  }
  return header == "localhost" || header == "[::1]" ||
         (header.starts_with("127.") &&
          header.find_first_not_of("0123456789.") == std::string_view::npos);
}

}  // namespace hwnas::service
