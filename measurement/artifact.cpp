#include "measurement/artifact.hpp"

#include <algorithm>
#include <cctype>

#include "core/error.hpp"
#include "core/sha256.hpp"

namespace hwnas::measurement {

namespace {

void require_plain_file(const std::filesystem::path& file) {
  if (!std::filesystem::is_regular_file(file)) {
    throw error(ErrorCode::kNotFound, "{}: no such file to measure", file.string());
  }
  if (!is_plain_name(file.filename().string())) {
    throw invalid_argument(
        "{}: files to measure are named with A-Z a-z 0-9 _ . - and no leading dot or dash, 128 at "
        "most; rename it",
        file.string());
  }
}

}  // namespace

bool is_plain_name(std::string_view name) {
  constexpr std::size_t kMaxLength = 128;
  if (name.empty() || name.size() > kMaxLength || name[0] == '.' || name[0] == '-') return false;
  return std::ranges::all_of(name, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == '-';
  });
}

Artifact artifact_of(const std::filesystem::path& file, std::string network_hash) {
  require_plain_file(file);
  Artifact artifact{.name = file.stem().string(),
                    .network_hash = std::move(network_hash),
                    .files = {std::filesystem::absolute(file)}};
  if (file.extension() == ".c") {
    std::filesystem::path header = file;
    header.replace_extension(".h");
    require_plain_file(header);
    artifact.files.push_back(std::filesystem::absolute(header));
  }
  return artifact;
}

std::string sha256_of(const Artifact& artifact) {
  std::string parts;
  for (const std::filesystem::path& file : artifact.files) {
    parts += fmt::format("{} {} {}\n", file.filename().string(), std::filesystem::file_size(file),
                         sha256_of_file(file));
  }
  return sha256(parts);
}

}  // namespace hwnas::measurement
