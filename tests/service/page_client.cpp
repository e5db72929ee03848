#include "tests/service/page_client.hpp"

#include <httplib.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "measurement/agent_protocol.hpp"
#include "service/page.hpp"

namespace hwnas::service {

HttpAnswer http_get(const std::string& address, const std::string& path,
                    const std::map<std::string, std::string>& headers, const std::string& method) {
  httplib::Client client("http://" + address);
  client.set_read_timeout(30);
  httplib::Request request;
  request.method = method;
  request.path = path;
  for (const auto& [name, value] : headers) request.set_header(name, value);
  const httplib::Result result = client.send(request);
  if (!result) return {};
  HttpAnswer answer{result->status, result->body, {}};
  for (const auto& [name, value] : result->headers) answer.headers[name] = value;
  return answer;
}

std::string page_address(const DaemonProcess& daemon) {
  for (int i = 0; i < 3000; ++i) {
    std::istringstream lines(daemon.errors());
    for (std::string line; std::getline(lines, line);) {
      const auto event = nlohmann::json::parse(line, nullptr, false);
      if (event.is_object() && event.value("event", "") == "page") {
        const std::string url = event.at("url");
        const std::size_t begin = url.find("//") + 2;
        return url.substr(begin, url.rfind('/') - begin);
      }
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return {};
}

std::map<std::string, std::string> bearer(const std::string& token) {
  return {{"Authorization", "Bearer " + token}};
}

std::string page_key(const std::filesystem::path& data) {
  return measurement::read_token(data / kPageKeyFile);
}

}  // namespace hwnas::service
