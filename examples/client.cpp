// Submits an experiment to hwnasd, watches the job and downloads what it has made.
//
// Usage: client SERVER EXPERIMENT FOLDER [TENANT]
//
// SERVER is unix:PATH or HOST:PORT of this machine; HWNAS_TOKEN holds the token, if the daemon
// wants one. How to build it and how it works: docs/platform.md.
#include <grpcpp/grpcpp.h>
#include <openssl/evp.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "hwnas/v1/search_service.grpc.pb.h"

namespace {

namespace fs = std::filesystem;
namespace v1 = hwnas::v1;
using namespace std::chrono_literals;

constexpr auto kDeadline = 30s;
constexpr auto kPatience = 300s;  // a daemon that restarts, with its machine if need be

struct CallFailed : std::runtime_error {
  explicit CallFailed(const grpc::Status& failed)
      : std::runtime_error(failed.error_message()), status(failed) {}
  grpc::Status status;
};

/// When to try again: exponentially later, and never the same for two clients.
class Retries {
 public:
  /// Waits before the next try; throws if there shall be none.
  void wait_after(const grpc::Status& status) {
    const bool transient = status.error_code() == grpc::StatusCode::UNAVAILABLE;
    if (!transient || std::chrono::steady_clock::now() > end_) throw CallFailed(status);
    wait();
  }
  /// The same of a stream, which is also ended when the client reads too slowly.
  void wait_after_stream(const grpc::Status& status) {
    if (status.error_code() != grpc::StatusCode::RESOURCE_EXHAUSTED) return wait_after(status);
    if (std::chrono::steady_clock::now() > end_) throw CallFailed(status);
    wait();
  }

 private:
  void wait() {
    std::uniform_real_distribution<double> share(0.5, 1);
    std::this_thread::sleep_for(delay_ * share(random_));
    delay_ = std::min(2 * delay_, 5000ms);
  }

  std::random_device random_;
  std::chrono::milliseconds delay_ = 100ms;
  std::chrono::steady_clock::time_point end_ = std::chrono::steady_clock::now() + kPatience;
};

/// One tenant's jobs.
class Client {
 public:
  Client(const std::string& server, std::string tenant)
      : tenant_(std::move(tenant)),
        stub_(v1::SearchService::NewStub(
            grpc::CreateChannel(server, grpc::InsecureChannelCredentials()))) {}

  v1::SearchJob submit(const std::string& experiment, const std::string& request_id) {
    v1::CreateSearchJobRequest request;
    request.set_parent("tenants/" + tenant_);
    request.mutable_search_job()->set_experiment(experiment);
    request.set_request_id(request_id);  // repeated with it, the call creates nothing more
    v1::SearchJob job;
    call([&](grpc::ClientContext& context) {
      return stub_->CreateSearchJob(&context, request, &job);
    });
    return job;
  }

  /// Every event of a job, each once, until the job has ended; cuts are bridged.
  template <typename OnEvent>
  void watch(const std::string& job, const OnEvent& on_event) {
    v1::WatchSearchJobRequest request;
    request.set_name(job);
    auto retries = std::make_unique<Retries>();
    while (true) {
      grpc::ClientContext context;
      introduce(context);
      const auto stream = stub_->WatchSearchJob(&context, request);
      for (v1::WatchSearchJobResponse event; stream->Read(&event);) {
        request.set_after_revision(event.revision());
        retries = std::make_unique<Retries>();
        if (!event.has_heartbeat()) on_event(event);
      }
      const grpc::Status status = stream->Finish();
      if (status.ok()) return;
      retries->wait_after_stream(status);
    }
  }

  v1::ListArtifactsResponse artifacts(const std::string& job) {
    v1::ListArtifactsRequest request;
    request.set_parent(job);
    v1::ListArtifactsResponse response;
    call([&](grpc::ClientContext& context) {
      return stub_->ListArtifacts(&context, request, &response);
    });
    return response;
  }

  /// The artifact's file. Goes on after a cut, and after the end of this process.
  fs::path download(const v1::Artifact& artifact, const fs::path& folder) {
    const fs::path file = folder / fs::path(artifact.file_name()).filename();
    const fs::path partial = file.string() + "." + artifact.sha256() + ".partial";
    std::ofstream bytes(partial, std::ios::binary | std::ios::app);
    bytes.exceptions(std::ios::failbit | std::ios::badbit);
    Retries retries;
    while (bytes.tellp() < artifact.size_bytes()) {
      grpc::ClientContext context;
      introduce(context);
      v1::DownloadArtifactRequest request;
      request.set_name(artifact.name());
      request.set_offset(bytes.tellp());
      request.set_sha256(artifact.sha256());
      const auto stream = stub_->DownloadArtifact(&context, request);
      for (v1::DownloadArtifactResponse part; stream->Read(&part);) bytes << part.chunk();
      const grpc::Status status = stream->Finish();
      if (!status.ok()) retries.wait_after(status);
    }
    bytes.close();
    if (sha256_of(partial) != artifact.sha256()) {
      fs::remove(partial);
      throw std::runtime_error(artifact.name() + ": not the bytes that were announced");
    }
    fs::rename(partial, file);
    return file;
  }

 private:
  template <typename Attempt>
  void call(const Attempt& attempt) {
    Retries retries;
    while (true) {
      grpc::ClientContext context;
      context.set_deadline(std::chrono::system_clock::now() + kDeadline);
      introduce(context);
      const grpc::Status status = attempt(context);
      if (status.ok()) return;
      retries.wait_after(status);
    }
  }

  static void introduce(grpc::ClientContext& context) {
    if (const char* token = std::getenv("HWNAS_TOKEN")) {
      context.AddMetadata("authorization", std::string("Bearer ") + token);
    }
  }

  static std::string sha256_of(const fs::path& file) {
    std::ostringstream content;
    content << std::ifstream(file, std::ios::binary).rdbuf();
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    EVP_Digest(content.view().data(), content.view().size(), digest, &size, EVP_sha256(), nullptr);
    std::string text;
    for (unsigned int i = 0; i < size; ++i) {
      text += "0123456789abcdef"[digest[i] >> 4];
      text += "0123456789abcdef"[digest[i] & 15];
    }
    return text;
  }

  std::string tenant_;
  std::unique_ptr<v1::SearchService::Stub> stub_;
};

/// What a failed call says: its message, and each field that is wrong.
void explain(const grpc::Status& status) {
  std::cerr << status.error_message() << '\n';
  google::rpc::Status details;
  if (!details.ParseFromString(status.error_details())) return;
  for (const google::protobuf::Any& detail : details.details()) {
    google::rpc::BadRequest request;
    if (!detail.UnpackTo(&request)) continue;
    for (const auto& violation : request.field_violations()) {
      std::cerr << "  " << violation.field() << ": " << violation.description() << '\n';
    }
  }
}

std::string new_request_id() {
  std::random_device random;
  std::ostringstream text;
  for (int i = 0; i < 4; ++i) text << std::hex << random() << '-';
  return text.str();
}

int run(const std::string& server, const fs::path& experiment, const fs::path& folder,
        const std::string& tenant) {
  std::ostringstream text;
  text << std::ifstream(experiment).rdbuf();
  Client client(server, tenant);
  v1::SearchJob job = client.submit(text.str(), new_request_id());
  std::cout << "submitted " << job.name() << std::endl;
  client.watch(job.name(), [&](const v1::WatchSearchJobResponse& event) {
    if (event.has_search_job()) {
      job = event.search_job();
      std::cout << v1::SearchJob::State_Name(job.state()) << std::endl;
    } else if (event.has_progress()) {
      std::cout << event.progress().stage() << ' ' << event.progress().evaluated_trials() << '/'
                << event.progress().planned_trials() << std::endl;
    }
  });
  fs::create_directories(folder);
  const v1::ListArtifactsResponse made = client.artifacts(job.name());
  for (const v1::Artifact& artifact : made.artifacts()) {
    std::cout << "downloaded " << client.download(artifact, folder).string() << std::endl;
  }
  return job.state() == v1::SearchJob::SUCCEEDED ? 0 : 1;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 4 || count > 5) {
    std::cerr << "usage: client SERVER EXPERIMENT FOLDER [TENANT]\n";
    return 2;
  }
  try {
    return run(arguments[1], arguments[2], arguments[3], count == 5 ? arguments[4] : "default");
  } catch (const CallFailed& failure) {
    explain(failure.status);
  } catch (const std::exception& failure) {
    std::cerr << failure.what() << '\n';
  }
  return 1;
}
