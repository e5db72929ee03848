#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace hwnas {

/// The whole of a plain file (no folder, pipe or device). Throws NotFound if it does not exist,
/// InvalidArgument if it is no plain file or has more than `max_bytes`, FailedPrecondition if it
/// cannot be read, each naming the file.
std::string read_file(const std::filesystem::path& file, std::uintmax_t max_bytes);

/// Like read_file, with the content unpacked if it is gzip's (told by its first bytes, not by its
/// name). `max_bytes` bounds the file and what it unpacks to, so that a small file cannot fill
/// the memory. Throws InvalidArgument if the gzip data is truncated or corrupt.
std::string read_unpacked_file(const std::filesystem::path& file, std::uintmax_t max_bytes);

/// Makes `file` hold exactly `bytes`, or leaves it as it was: writes "<file>.partial" beside it,
/// syncs, renames, syncs the folder. After a crash the file is the old one or the new one. One
/// writer a file at a time. Throws NotFound (no such folder), ResourceExhausted (disk full, quota)
/// or FailedPrecondition, naming the file and the system's reason.
void write_file_atomically(const std::filesystem::path& file, std::string_view bytes);

}  // namespace hwnas
