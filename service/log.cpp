#include "service/log.hpp"

#include <fmt/chrono.h>

#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace hwnas::service {

void log_event(std::string_view event, const nlohmann::json& fields) {
  const auto now =
      std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
  nlohmann::ordered_json line{{"time", fmt::format("{:%Y-%m-%dT%H:%M:%S}Z", now)},
                              {"event", event}};
  for (const auto& [key, value] : fields.items()) line[key] = value;
  const std::string text =
      line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  std::fwrite(text.data(), 1, text.size(), stderr);  // one call: lines stay whole
}

}  // namespace hwnas::service
