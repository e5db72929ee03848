#include "service/download.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "service/artifacts.hpp"
#include "service/resource_name.hpp"
#include "service/supervisor.hpp"

namespace hwnas::service {
namespace {

using Response = v1::DownloadArtifactResponse;

constexpr const char* kMethod = "hwnas.v1.SearchService/DownloadArtifact";
constexpr std::size_t kChunkBytes = std::size_t{256} << 10;

JobArtifact find_artifact(const std::vector<JobArtifact>& artifacts, const ArtifactName& name) {
  const auto found = std::ranges::find(artifacts, name.id,
                                       [](const JobArtifact& a) { return a.message.format(); });
  if (found != artifacts.end()) return *found;
  throw error(ErrorCode::kNotFound,
              "{}/artifacts/{}: no such artifact; ListArtifacts tells what "
              "there is by now",
              name.job.text(), name.id);
}

/// Deletes itself when gRPC is done with it. One step at a time: in the pool, or a write in flight.
class Download final : public grpc::ServerWriteReactor<Response> {
 public:
  Download(ServerParts& parts, v1::DownloadArtifactRequest request, Credentials credentials)
      : parts_(parts),
        request_(std::move(request)),
        credentials_(std::move(credentials)),
        offset_(request_.offset()) {
    next();
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return Finish({grpc::StatusCode::CANCELLED, "the client has gone"});
    next();
  }
  void OnDone() override { delete this; }

 private:
  void next() {
    try {
      parts_.pool.submit([this] { step(); });
    } catch (const std::exception&) {
      fail();
    }
  }

  void step() {
    try {
      if (!file_) {
        open();
      } else if (offset_ == size_) {
        return Finish(grpc::Status::OK);
      } else {
        read_chunk();
      }
    } catch (const std::exception&) {
      return fail();
    }
    StartWrite(&response_);
  }

  void open() {
    const ArtifactName name = parse_artifact_name("name", request_.name());
    admit(parts_, kMethod, credentials_, name.job.tenant);
    const auto run = run_folder(parts_.folder, parts_.jobs.read().job(name.job).uid);
    const JobArtifact artifact = find_artifact(artifacts_of(run, name.job), name);
    size_ = artifact.message.size_bytes();
    if (offset_ < 0 || offset_ > size_) {
      throw RpcError(
          grpc::StatusCode::OUT_OF_RANGE,
          fmt::format("offset: {} is beyond the {} bytes of {}", offset_, size_, request_.name()));
    }
    if (!request_.sha256().empty() && request_.sha256() != artifact.message.sha256()) {
      throw RpcError(grpc::StatusCode::ABORTED,
                     request_.name() + ": another file by now; download it from its beginning");
    }
    file_.emplace(run, artifact.file);
    if (file_->size() != size_) {
      throw RpcError(grpc::StatusCode::DATA_LOSS,
                     request_.name() + ": the file is not what the run has recorded");
    }
    *response_.mutable_artifact() = artifact.message;
  }

  void read_chunk() {
    const auto left = static_cast<std::size_t>(size_ - offset_);
    std::string bytes = file_->read(offset_, std::min(kChunkBytes, left));
    if (bytes.empty()) {
      throw RpcError(grpc::StatusCode::DATA_LOSS, request_.name() + ": the file has been cut");
    }
    offset_ += static_cast<std::int64_t>(bytes.size());
    response_.set_chunk(std::move(bytes));
  }

  void fail() { Finish(status_of(std::current_exception(), request_.name())); }

  ServerParts& parts_;
  const v1::DownloadArtifactRequest request_;
  const Credentials credentials_;
  std::int64_t offset_ = 0;
  std::int64_t size_ = 0;
  std::optional<FileBeneath> file_;
  Response response_;
};

}  // namespace

grpc::ServerWriteReactor<Response>* open_download(ServerParts& parts,
                                                  const v1::DownloadArtifactRequest& request,
                                                  const Credentials& credentials) {
  return new Download(parts, request, credentials);
}

}  // namespace hwnas::service
