#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "service/job_process.hpp"
#include "service/job_store.hpp"

namespace hwnas::service {

/// Why a process was asked to stop for good, so that an interruption is its job's end.
enum class Stop { kNotAsked, kCancelled, kOvertime };

/// The final state of a job whose process has ended, by the exit codes of docs/cli.md; nothing if
/// it is to go on later: it was interrupted, or what it needs is not there now. `last_words`: what
/// it said last.
std::optional<StateChange> judge(const ProcessExit& exit, Stop asked,
                                 const std::string& last_words);

/// The last message of a process's log without the program's name in front of it; empty if there
/// is none.
std::string last_message(const std::filesystem::path& log);

}  // namespace hwnas::service
