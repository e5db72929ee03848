#include "measurement/agent_server.hpp"

#include <grpcpp/grpcpp.h>

#include <condition_variable>
#include <fstream>
#include <future>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "core/error.hpp"
#include "core/scratch_folder.hpp"
#include "core/sha256.hpp"
#include "hwnas/v1/agent.grpc.pb.h"
#include "measurement/agent_protocol.hpp"
#include "measurement/runner_tools.hpp"

namespace hwnas::measurement {

namespace {

using Stream = grpc::ServerReaderWriter<v1::MeasureReply, v1::MeasureRequest>;

constexpr std::chrono::seconds kProgressEvery{1};
constexpr std::size_t kMaxFiles = 8;
constexpr int kMaxThreads = 16;  // of calls at once, all but one of which are told to come again

/// Cancels a call that takes longer than it may: gRPC's reads have no time limit of their own.
class Watchdog {
 public:
  Watchdog(grpc::ServerContext& context, std::chrono::seconds limit)
      : thread_([this, &context, limit](const std::stop_token& stop) {
          std::unique_lock lock(mutex_);
          if (!condition_.wait_for(lock, stop, limit, [] { return false; }) &&
              !stop.stop_requested()) {
            context.TryCancel();
          }
        }) {}

 private:
  std::mutex mutex_;
  std::condition_variable_any condition_;
  std::jthread thread_;
};

/// Takes the files of one job into a folder, and then the order to start.
class Upload {
 public:
  Upload(std::filesystem::path folder, std::uint64_t max_bytes)
      : folder_(std::move(folder)), room_(max_bytes) {}

  /// Throws InvalidArgument for what the protocol forbids, FailedPrecondition over the limit.
  void add(const v1::MeasureRequest& request) {
    switch (request.part_case()) {
      case v1::MeasureRequest::kHeader:
        return begin_file(request.header());
      case v1::MeasureRequest::kChunk:
        return add_chunk(request.chunk());
      case v1::MeasureRequest::kStart:
        return start(request.start());
      default:
        throw invalid_argument("a request without content");
    }
  }
  bool is_complete() const { return !artifact_.name.empty(); }
  const Artifact& artifact() const { return artifact_; }

 private:
  void begin_file(const v1::FileHeader& header) {
    finish_file();
    if (!is_plain_name(header.name()) || artifact_.files.size() == kMaxFiles) {
      throw invalid_argument("a file with an unusable name, or more than {} files", kMaxFiles);
    }
    if (header.size() > room_) {
      throw error(ErrorCode::kFailedPrecondition,
                  "'{}' has {} bytes, and this agent takes {} more at most", header.name(),
                  header.size(), room_);
    }
    room_ -= header.size();
    header_ = header;
    const std::filesystem::path file = folder_ / header.name();
    if (std::filesystem::exists(file)) throw invalid_argument("'{}' twice", header.name());
    artifact_.files.push_back(file);
    stream_.open(file, std::ios::binary);
  }

  void add_chunk(const std::string& bytes) {
    if (!stream_.is_open() ||
        static_cast<std::uint64_t>(stream_.tellp()) + bytes.size() > header_.size()) {
      throw invalid_argument("more bytes than the file's header says");
    }
    stream_.write(bytes.data(), std::ssize(bytes));
  }

  void finish_file() {
    if (!stream_.is_open()) return;
    stream_.close();
    const std::filesystem::path& file = artifact_.files.back();
    if (!stream_) throw error(ErrorCode::kFailedPrecondition, "the agent's disk is full");
    if (sha256_of_file(file) != header_.sha256()) {
      throw invalid_argument("'{}' did not arrive as it was sent: its SHA-256 differs",
                             header_.name());
    }
    constexpr auto kRun = std::filesystem::perms::owner_all;
    std::filesystem::permissions(file, kRun);
  }

  void start(const v1::Start& order) {
    finish_file();
    if (artifact_.files.empty() || !is_plain_name(order.name())) {
      throw invalid_argument("a start without files, or with an unusable name");
    }
    artifact_.name = order.name();
    artifact_.network_hash = order.network_hash();
  }

  std::filesystem::path folder_;
  std::uint64_t room_;
  v1::FileHeader header_;
  std::ofstream stream_;
  Artifact artifact_;
};

grpc::Status status_of(const Error& failure) {
  switch (failure.code()) {
    case ErrorCode::kInvalidArgument:
      return {grpc::INVALID_ARGUMENT, failure.what()};
    case ErrorCode::kFailedPrecondition:
      return {grpc::FAILED_PRECONDITION, failure.what()};
    default:
      return {grpc::INTERNAL, failure.what()};
  }
}

grpc::SslServerCredentialsOptions tls(const AgentOptions& options) {
  grpc::SslServerCredentialsOptions result;
  result.pem_key_cert_pairs.push_back({options.tls_key, options.tls_certificate});
  return result;
}

}  // namespace

class AgentServer::Implementation final : public v1::Agent::Service {
 public:
  Implementation(AgentOptions options, Runner& runner)
      : options_(std::move(options)), runner_(runner) {
    silence_grpc();
    grpc::ServerBuilder builder;
    const bool encrypted = !options_.tls_certificate.empty();
    builder.AddListeningPort(
        options_.address,
        encrypted ? grpc::SslServerCredentials(tls(options_)) : grpc::InsecureServerCredentials(),
        &port_);
    builder.SetMaxReceiveMessageSize(static_cast<int>(kMaxMessageBytes));
    grpc::ResourceQuota quota;
    builder.SetResourceQuota(quota.SetMaxThreads(kMaxThreads));
    // Otherwise a second agent could take half of the calls of the first one.
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 1000);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
    if (server_ == nullptr) {
      throw error(ErrorCode::kUnavailable, "cannot listen on {}: is it in use?", options_.address);
    }
  }
  ~Implementation() override {
    stop_.request_stop();
    server_->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(1));
  }

  int port() const { return port_; }

  grpc::Status Measure(grpc::ServerContext* context, Stream* stream) override {
    if (!is_authorized(*context)) {
      return {grpc::UNAUTHENTICATED, "the token is missing or wrong"};
    }
    const std::unique_lock<std::mutex> job(job_, std::try_to_lock);
    if (!job.owns_lock()) {
      context->AddTrailingMetadata(std::string(kBusy), "1");
      return {grpc::RESOURCE_EXHAUSTED, "busy with another job"};
    }
    try {
      const ScratchFolder folder(options_.work_folder);
      Upload upload(folder.path(), options_.max_artifact_bytes);
      if (!receive(*context, *stream, upload)) {
        return {grpc::DEADLINE_EXCEEDED, "the files did not arrive within the agent's limit"};
      }
      return run_job(*context, *stream, upload.artifact());
    } catch (const Error& failure) {
      return status_of(failure);
    } catch (const std::exception& failure) {
      return {grpc::INTERNAL, failure.what()};
    }
  }

 private:
  bool is_authorized(const grpc::ServerContext& context) const {
    const auto& metadata = context.client_metadata();
    const auto found =
        metadata.find(grpc::string_ref(kAuthorization.data(), kAuthorization.size()));
    return found != metadata.end() && is_same_secret({found->second.data(), found->second.size()},
                                                     authorization(options_.token));
  }

  /// Whether all arrived in time.
  bool receive(grpc::ServerContext& context, Stream& stream, Upload& upload) const {
    const Watchdog watchdog(context, options_.upload_limit);
    v1::MeasureRequest request;
    while (!upload.is_complete()) {
      if (!stream.Read(&request)) return false;
      upload.add(request);
    }
    return true;
  }

  grpc::Status run_job(grpc::ServerContext& context, Stream& stream, const Artifact& artifact) {
    using Clock = std::chrono::steady_clock;
    const Clock::time_point start = Clock::now();
    std::stop_source stop;
    const std::stop_callback on_shutdown(stop_.get_token(), [&] { stop.request_stop(); });
    std::future<Measurement> result =
        std::async(std::launch::async, [&] { return runner_.measure(artifact, stop.get_token()); });
    while (result.wait_for(kProgressEvery) != std::future_status::ready) {
      const std::chrono::duration<double> passed = Clock::now() - start;
      v1::MeasureReply progress;
      progress.mutable_progress()->set_seconds(passed.count());
      if (!stream.Write(progress) || context.IsCancelled() || passed > options_.job_limit) {
        stop.request_stop();
      }
    }
    try {
      v1::MeasureReply reply;
      reply.set_measurement(
          to_json(result.get()).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
      stream.Write(reply);
      return grpc::Status::OK;
    } catch (const Error& failure) {
      if (failure.code() != ErrorCode::kCancelled) throw;
      if (stop_.stop_requested()) return {grpc::UNAVAILABLE, "the agent is being ended"};
      return {grpc::DEADLINE_EXCEEDED, "stopped by the client, or at the agent's limit of time"};
    }
  }

  const AgentOptions options_;
  Runner& runner_;
  std::mutex job_;
  std::stop_source stop_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

AgentServer::AgentServer(AgentOptions options, Runner& runner) {
  if (options.tls_certificate.empty() && !options.insecure_listen &&
      !is_loopback(options.address)) {
    throw invalid_argument(
        "{}: others could read the token on its way here; give a certificate and its key, listen "
        "on 127.0.0.1 and come by an ssh tunnel, or insist with --insecure-listen",
        options.address);
  }
  implementation_ = std::make_unique<Implementation>(std::move(options), runner);
}

AgentServer::~AgentServer() = default;

int AgentServer::port() const {
  return implementation_->port();
}

}  // namespace hwnas::measurement
