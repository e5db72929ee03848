#include <grpcpp/grpcpp.h>

#include <atomic>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/sha256.hpp"
#include "hwnas/v1/agent.grpc.pb.h"
#include "measurement/agent_protocol.hpp"
#include "measurement/option_values.hpp"
#include "measurement/runner_rows.hpp"
#include "measurement/runner_tools.hpp"

namespace hwnas::measurement {

namespace {

using Clock = std::chrono::steady_clock;
using Stream = grpc::ClientReaderWriter<v1::MeasureRequest, v1::MeasureReply>;

constexpr std::chrono::milliseconds kAskAgain{200};  // while the agent is busy
constexpr int kMaxReplyBytes = 16 << 20;
constexpr int kKeepaliveMs = 5000;

struct AgentClientOptions {
  std::string address;
  std::string token;
  std::string tls_ca;  ///< PEM of the authority that signed the agent's certificate
  std::chrono::milliseconds time_limit;
  std::chrono::milliseconds silence;  ///< the agent must be heard from this often
};

/// Ends a call once nothing has happened in it for too long: a peer that accepts everything and
/// says nothing would otherwise be waited for until the call's deadline.
class SilenceWatch {
 public:
  SilenceWatch(grpc::ClientContext& context, std::chrono::milliseconds limit)
      : thread_([this, &context, limit](const std::stop_token& stop) {
          std::unique_lock lock(mutex_);
          while (condition_.wait_for(lock, stop, limit,
                                     [&] { return std::exchange(heard_, false); })) {
          }
          if (stop.stop_requested()) return;
          silent_ = true;
          context.TryCancel();
        }) {}

  void heard() {
    const std::lock_guard lock(mutex_);
    heard_ = true;
    condition_.notify_all();
  }
  bool silent() const { return silent_; }

 private:
  std::mutex mutex_;
  std::condition_variable_any condition_;
  bool heard_ = false;
  std::atomic<bool> silent_ = false;
  std::jthread thread_;
};

/// False if the call has ended meanwhile.
bool send_file(Stream& stream, SilenceWatch& watch, const std::filesystem::path& file) {
  v1::MeasureRequest request;
  request.mutable_header()->set_name(file.filename().string());
  request.mutable_header()->set_size(std::filesystem::file_size(file));
  request.mutable_header()->set_sha256(sha256_of_file(file));
  if (!stream.Write(request)) return false;
  std::ifstream bytes(file, std::ios::binary);
  std::string chunk(kChunkBytes, '\0');
  while (bytes.read(chunk.data(), std::ssize(chunk)), bytes.gcount() > 0) {
    request.set_chunk(chunk.data(), static_cast<std::size_t>(bytes.gcount()));
    if (!stream.Write(request)) return false;
    watch.heard();
  }
  return true;
}

void send(Stream& stream, SilenceWatch& watch, const Artifact& artifact) {
  for (const std::filesystem::path& file : artifact.files) {
    if (!send_file(stream, watch, file)) return;
  }
  v1::MeasureRequest request;
  request.mutable_start()->set_name(artifact.name);
  request.mutable_start()->set_network_hash(artifact.network_hash);
  stream.WriteLast(request, grpc::WriteOptions());
}

Status status_of(grpc::StatusCode code) {
  switch (code) {
    case grpc::INVALID_ARGUMENT:
    case grpc::FAILED_PRECONDITION:
      return Status::kRefused;
    case grpc::DEADLINE_EXCEEDED:
      return Status::kTimedOut;
    case grpc::RESOURCE_EXHAUSTED:  // of this side: the reply is larger than any measurement
      return Status::kRubbish;
    default:
      return Status::kConnectionLost;
  }
}

class AgentRunner : public Runner {
 public:
  explicit AgentRunner(AgentClientOptions options) : options_(std::move(options)) {
    silence_grpc();
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveMs);
    arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
    arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    arguments.SetMaxReceiveMessageSize(kMaxReplyBytes);
    grpc::SslCredentialsOptions tls;
    tls.pem_root_certs = options_.tls_ca;
    channel_ = grpc::CreateCustomChannel(
        options_.address,
        options_.tls_ca.empty() ? grpc::InsecureChannelCredentials() : grpc::SslCredentials(tls),
        arguments);
  }

  std::string_view name() const override { return "agent"; }

  Measurement measure(const Artifact& artifact, std::stop_token stop) override {
    const Measurement blank = begun(artifact, name(), estimators::Origin::kMeasured);
    const Clock::time_point deadline = Clock::now() + options_.time_limit;
    while (true) {
      std::optional<Measurement> result = call(artifact, blank, deadline, stop);
      if (stop.stop_requested()) {
        throw error(ErrorCode::kCancelled, "the measurement by {} was stopped on request",
                    options_.address);
      }
      if (result) return *std::move(result);
      if (Clock::now() + kAskAgain > deadline) {
        return failed(blank, Status::kConnectionLost,
                      fmt::format("{}: busy with other jobs for {} ms", options_.address,
                                  options_.time_limit.count()));
      }
      std::this_thread::sleep_for(kAskAgain);
    }
  }

 private:
  /// Nothing where the agent is busy.
  std::optional<Measurement> call(const Artifact& artifact, const Measurement& blank,
                                  Clock::time_point deadline, const std::stop_token& stop) const {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + (deadline - Clock::now()));
    context.AddMetadata(std::string(kAuthorization), authorization(options_.token));
    SilenceWatch watch(context, options_.silence);
    const std::stop_callback cancel(stop, [&] { context.TryCancel(); });
    const auto stub = v1::Agent::NewStub(channel_);
    const std::unique_ptr<Stream> stream = stub->Measure(&context);
    send(*stream, watch, artifact);
    std::optional<std::string> answer;
    for (v1::MeasureReply reply; stream->Read(&reply); watch.heard()) {
      if (reply.has_measurement()) answer = std::move(*reply.mutable_measurement());
    }
    const grpc::Status ended = stream->Finish();
    if (ended.ok()) return answered(blank, answer);
    if (context.GetServerTrailingMetadata().contains(
            grpc::string_ref(kBusy.data(), kBusy.size()))) {
      return std::nullopt;
    }
    if (watch.silent()) {
      return failed(
          blank, Status::kConnectionLost,
          fmt::format("{}: not heard from for {} ms", options_.address, options_.silence.count()));
    }
    return failed(blank, status_of(ended.error_code()),
                  fmt::format("{}: {}", options_.address, tail(ended.error_message())));
  }

  Measurement answered(const Measurement& blank, const std::optional<std::string>& answer) const {
    const auto rubbish = [&](const std::string& reason) {
      return failed(blank, Status::kRubbish, fmt::format("{}: {}", options_.address, reason));
    };
    if (!answer) return rubbish("the call ended without a measurement");
    try {
      Measurement result = measurement_from_json(nlohmann::json::parse(*answer));
      if (result.artifact_sha256 != blank.artifact_sha256) {
        return rubbish("the answer is about other files than were sent");
      }
      result.network = blank.network;
      result.network_hash = blank.network_hash;
      result.runner = fmt::format("agent/{}", result.runner);
      return result;
    } catch (const nlohmann::json::exception& failure) {
      return rubbish(tail(failure.what()));
    } catch (const Error& failure) {
      return rubbish(tail(failure.what()));
    }
  }

  AgentClientOptions options_;
  std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace

std::unique_ptr<Runner> make_agent(const Config& options) {
  options.require_known_keys(
      {"runner", "address", "token_file", "tls_ca", "time_limit_s", "silence_s"});
  constexpr std::uintmax_t kMaxPemBytes = 1 << 20;
  AgentClientOptions own;
  own.address = options.at("address").as_string();
  own.token = read_token(options.at("token_file").as_string());
  if (const Config* file = options.find("tls_ca")) {
    own.tls_ca = read_file(file->as_string(), kMaxPemBytes);
  } else if (!is_loopback(own.address)) {
    options.at("address").fail(
        "others could read the token on its way there; give tls_ca, or come by an ssh tunnel to "
        "127.0.0.1");
  }
  own.time_limit = time_limit_or(options, 600);
  own.silence = std::chrono::milliseconds(
      static_cast<std::int64_t>(1000 * options.double_or("silence_s", 10, 0.05, 3600)));
  return std::make_unique<AgentRunner>(std::move(own));
}

}  // namespace hwnas::measurement
