#include "client/download.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <thread>

#include "client/partial_file.hpp"
#include "core/sha256.hpp"
#include "core/text.hpp"

namespace hwnas::client {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kDigits = 64;  // of a SHA-256

/// The server proposes it; a path would lead out of the folder. So would one in the checksum, which
/// becomes part of a file name.
std::string checked_file_name(const v1::Artifact& artifact) {
  const std::string& name = artifact.file_name();
  const bool plain = !name.empty() && name[0] != '.' && name.find('/') == std::string::npos &&
                     one_line(name) == name && artifact.sha256().size() == kDigits &&
                     artifact.sha256().find_first_not_of("0123456789abcdef") == std::string::npos;
  if (!plain) {
    throw error(ErrorCode::kInternal,
                "{}: the server proposes the file {} with the SHA-256 {}, which are no such things",
                artifact.name(), in_quotes(name), in_quotes(artifact.sha256()));
  }
  return name;
}

/// One stream, from where the file ends.
grpc::Status read_stream(const SearchClient& client, const v1::Artifact& artifact,
                         PartialFile& file) {
  grpc::ClientContext context;
  client.introduce(context);
  v1::DownloadArtifactRequest request;
  request.set_name(artifact.name());
  request.set_offset(file.size());
  // Without it, a file that was made anew meanwhile would be sewn to the end of the old one.
  request.set_sha256(artifact.sha256());
  const auto reader = client.stub().DownloadArtifact(&context, request);
  try {
    for (v1::DownloadArtifactResponse part; reader->Read(&part);) file.append(part.chunk());
  } catch (...) {
    context.TryCancel();
    reader->Finish();
    throw;
  }
  return reader->Finish();
}

void read_all(const SearchClient& client, const v1::Artifact& artifact, PartialFile& file) {
  Backoff backoff(client.policy(), client.policy().give_up_after, random_seed());
  while (file.size() < artifact.size_bytes()) {
    const std::int64_t before = file.size();
    const grpc::Status status = read_stream(client, artifact, file);
    if (status.ok()) return;
    if (status.error_code() != grpc::StatusCode::UNAVAILABLE) throw client.failure(status);
    if (file.size() > before) {
      backoff = Backoff(client.policy(), client.policy().give_up_stream_after, random_seed());
    }
    const auto wait = backoff.next(retry_delay_of(status));
    if (!wait) throw client.failure(status);
    std::this_thread::sleep_for(*wait);
  }
}

bool holds(const fs::path& file, const v1::Artifact& artifact) {
  std::error_code missing;
  return fs::is_regular_file(file, missing) &&
         static_cast<std::int64_t>(fs::file_size(file)) == artifact.size_bytes() &&
         sha256_of_file(file) == artifact.sha256();
}

}  // namespace

fs::path download(const SearchClient& client, const v1::Artifact& artifact,
                  const fs::path& folder) {
  const std::string name = checked_file_name(artifact);
  const fs::path file = fs::absolute(folder) / name;
  std::error_code failed;
  fs::create_directories(file.parent_path(), failed);
  if (failed) {
    throw error(ErrorCode::kFailedPrecondition, "{}: cannot make the folder: {}", folder.string(),
                failed.message());
  }
  if (holds(file, artifact)) return folder / name;
  const fs::path partial =
      file.parent_path() / fmt::format(".{}.{}.partial", name, artifact.sha256());
  PartialFile bytes(partial, file);
  if (bytes.size() > artifact.size_bytes()) bytes.clear();
  read_all(client, artifact, bytes);
  if (!holds(partial, artifact)) {
    bytes.clear();
    throw error(
        ErrorCode::kInternal,
        "{}: the bytes received are not those that its SHA-256 announces; download it again",
        artifact.name());
  }
  bytes.finish();
  return folder / name;
}

std::vector<v1::Artifact> select_artifacts(const std::vector<v1::Artifact>& artifacts,
                                           const std::vector<std::string>& formats) {
  if (formats.empty()) return artifacts;
  std::vector<std::string> known;
  for (const v1::Artifact& artifact : artifacts) known.push_back(artifact.format());
  std::vector<v1::Artifact> selected;
  for (const std::string& format : formats) {
    const auto found = std::ranges::find(artifacts, format, &v1::Artifact::format);
    if (found == artifacts.end()) {
      throw error(ErrorCode::kNotFound, "no artifact {}{} (there are: {})", in_quotes(format),
                  did_you_mean(format, known), fmt::join(known, ", "));
    }
    selected.push_back(*found);
  }
  return selected;
}

}  // namespace hwnas::client
