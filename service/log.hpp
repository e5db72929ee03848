#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace hwnas::service {

enum class LogLevel { kDebug, kInfo, kWarning, kError };
/// "debug", "info", "warning", "error".
std::string_view to_string(LogLevel level);
/// Throws InvalidArgument.
LogLevel log_level_from_string(std::string_view text);

/// Events below the level are left out, from now on; at the start: info. Thread-safe, as all here.
void set_log_level(LogLevel level);
bool is_logged(LogLevel level);

/// One line of JSON on standard error: {"ts": …, "level": …, "event": "job_started", …fields}. It
/// is ASCII whatever the fields hold, so that what clients have sent can neither end the line nor
/// steer a terminal, and each string in it is cut to 1 KiB.
void log_event(LogLevel level, std::string_view event, const nlohmann::ordered_json& fields);
/// At the level info.
void log_event(std::string_view event, const nlohmann::ordered_json& fields);

/// RFC 3339, UTC, to the millisecond.
std::string log_time();

/// At most `bytes` of a text, and "…" where something is missing. Never cuts a character of UTF-8.
std::string cut(std::string_view text, std::size_t bytes);

}  // namespace hwnas::service
