#include "service/page.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "core/error.hpp"
#include "core/text.hpp"
#include "measurement/agent_protocol.hpp"
#include "service/page_assets.hpp"
#include "service/page_token.hpp"

namespace hwnas::service {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kJobs = "/api/jobs/";
constexpr const char* kText = "text/plain; charset=utf-8";
// The charset keeps httplib from compressing: on loopback that costs more than it saves.
constexpr const char* kJson = "application/json; charset=utf-8";
constexpr const char* kMetricsText = "text/plain; version=0.0.4; charset=utf-8";

std::string read_or_make_key(const fs::path& file) {
  const int made = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (made >= 0) {
    const std::string line = random_key() + "\n";
    const bool written =
        ::write(made, line.data(), line.size()) == static_cast<ssize_t>(line.size());
    ::close(made);
    if (!written) {
      ::unlink(file.c_str());  // half a key would be refused at the next start
      throw error(ErrorCode::kUnavailable, "{}: cannot be written", file.string());
    }
  } else if (errno != EEXIST) {
    throw error(ErrorCode::kUnavailable, "{}: cannot be made ({})", file.string(),
                std::generic_category().message(errno));
  }
  return measurement::read_token(file);
}

HttpResponse asset(std::string_view body, const char* type) {
  return {.status = 200, .content_type = type, .body = std::string(body), .etag = {}};
}

HttpResponse not_found() {
  return {.status = 404, .content_type = kText, .body = "no such page\n", .etag = {}};
}

HttpResponse json_answer(PageData::Answer answer) {
  return {.status = answer.json ? 200 : 304,
          .content_type = kJson,
          .body = answer.json ? std::move(*answer.json) : "",
          .etag = std::move(answer.etag)};
}

}  // namespace

Page::Page(const std::string& address, const fs::path& folder, const Metrics& metrics,
           const PageData& data, const Authorization& authorization)
    : metrics_(metrics),
      data_(data),
      authorization_(authorization),
      key_(read_or_make_key(folder / kPageKeyFile)),
      server_(address, [this](const HttpRequest& request) { return answer(request); }) {}

HttpResponse Page::answer(const HttpRequest& request) const {
  if (request.path == "/") return asset(assets::page, "text/html; charset=utf-8");
  if (request.path == "/page.css") return asset(assets::style, "text/css; charset=utf-8");
  if (request.path == "/page.js") return asset(assets::script, "text/javascript; charset=utf-8");
  if (request.path == "/metrics") {
    const auto caller = caller_of(request);
    return {.status = 200,
            .content_type = kMetricsText,
            .body = metrics_.text(caller && caller->tenant.empty()),
            .etag = {}};
  }
  if (request.path.starts_with("/api/")) return api(request);
  return not_found();
}

HttpResponse Page::api(const HttpRequest& request) const {
  const auto caller = caller_of(request);
  if (!caller) {
    return {.status = 401,
            .content_type = kText,
            .body = fmt::format("send 'Authorization: Bearer KEY' with the key in {} of the "
                                "daemon's data folder, or with a tenant's token\n",
                                kPageKeyFile),
            .etag = {}};
  }
  try {
    if (request.path == "/api/overview") {
      return json_answer(data_.overview(*caller, request.if_none_match));
    }
    const auto uid = request.path.starts_with(kJobs)
                         ? parse_integer(request.path.substr(kJobs.size()))
                         : std::nullopt;
    if (uid) return json_answer(data_.job(*caller, *uid, request.if_none_match));
  } catch (const Error& failure) {
    if (failure.code() != ErrorCode::kNotFound) throw;
  }
  return not_found();
}

std::optional<Caller> Page::caller_of(const HttpRequest& request) const {
  if (request.bearer_token.empty()) return std::nullopt;
  if (measurement::is_same_secret(request.bearer_token, key_)) return Caller{"", Right::kRead};
  return authorization_.caller_with(request.bearer_token);
}

}  // namespace hwnas::service
