#include "service/log.hpp"

#include <fmt/chrono.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/text.hpp"

namespace hwnas::service {
namespace {

constexpr std::size_t kMaxStringBytes = 1024;
constexpr std::string_view kLevels[] = {"debug", "info", "warning", "error"};

std::atomic<LogLevel> lowest_level{LogLevel::kInfo};

}  // namespace

std::string_view to_string(LogLevel level) {
  return kLevels[static_cast<int>(level)];
}

LogLevel log_level_from_string(std::string_view text) {
  for (const LogLevel level :
       {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarning, LogLevel::kError}) {
    if (to_string(level) == text) return level;
  }
  throw invalid_argument("{} is no level: give debug, info, warning or error", in_quotes(text));
}

void set_log_level(LogLevel level) {
  lowest_level = level;
}

bool is_logged(LogLevel level) {
  return level >= lowest_level;
}

std::string log_time() {
  using namespace std::chrono;
  const auto now = time_point_cast<milliseconds>(system_clock::now());
  const auto second = floor<seconds>(now);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", second, (now - second).count());
}

std::string cut(std::string_view text, std::size_t bytes) {
  constexpr std::string_view kMark = "…";
  if (text.size() <= bytes) return std::string(text);
  std::size_t end = bytes - std::min(bytes, kMark.size());
  const auto continues = [&] { return (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80; };
  while (end > 0 && continues()) --end;
  return std::string(text.substr(0, end)).append(kMark);
}

void log_event(LogLevel level, std::string_view event, const nlohmann::ordered_json& fields) {
  if (!is_logged(level)) return;
  nlohmann::ordered_json line{{"ts", log_time()}, {"level", to_string(level)}, {"event", event}};
  for (const auto& [key, value] : fields.items()) {
    line[key] =
        value.is_string()
            ? nlohmann::ordered_json(cut(value.get_ref<const std::string&>(), kMaxStringBytes))
            : value;
  }
  const std::string text =
      line.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace) + "\n";
  std::fwrite(text.data(), 1, text.size(), stderr);  // one call: lines stay whole
}

void log_event(std::string_view event, const nlohmann::ordered_json& fields) {
  log_event(LogLevel::kInfo, event, fields);
}

}  // namespace hwnas::service
