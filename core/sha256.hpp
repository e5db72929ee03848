#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace hwnas {

/// SHA-256 (FIPS 180-4) as 64 lower-case hexadecimal digits.
std::string sha256(std::string_view bytes);

/// Of a file's content, in constant memory. Throws NotFound or FailedPrecondition, naming the file.
std::string sha256_of_file(const std::filesystem::path& file);

}  // namespace hwnas
