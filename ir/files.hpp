#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace hwnas::ir {

/// Makes `file` hold exactly `bytes`, or leaves it as it was: writes "<file>.partial" beside it,
/// syncs, renames. After a crash the file is the old one or the new one. Throws ResourceExhausted
/// (disk full, quota) or FailedPrecondition, naming the file and the system's reason.
void write_file_atomically(const std::filesystem::path& file, std::string_view bytes);

/// The whole file. Throws NotFound if it cannot be opened, InvalidArgument if it is larger than
/// `max_bytes`, FailedPrecondition if reading fails.
std::string read_file(const std::filesystem::path& file, std::uintmax_t max_bytes);

}  // namespace hwnas::ir
