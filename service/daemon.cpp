#include "service/daemon.hpp"

#include <fmt/format.h>
#include <google/protobuf/stubs/logging.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "core/file.hpp"
#include "measurement/agent_protocol.hpp"
#include "service/compression_service.hpp"
#include "service/dataset_service.hpp"
#include "service/device_service.hpp"
#include "service/event_listeners.hpp"
#include "service/log.hpp"
#include "service/observability.hpp"
#include "service/search_service.hpp"
#include "service/unix_socket.hpp"
#include "service/vizier_service.hpp"

namespace hwnas::service {
namespace {

constexpr std::string_view kUnix = "unix:";
constexpr int kPoolThreads = 4;
constexpr int kCheckThreads = 2;
constexpr std::size_t kMaxWaitingCalls = 10'000;
constexpr int kMaxMessageBytes = 4 << 20;
constexpr int kMaxMetadataBytes = 8 << 10;
constexpr int kMaxStreamsOfConnection = 128;
constexpr std::size_t kMaxServerBytes = std::size_t{256} << 20;
constexpr int kKeepaliveMs = 30'000;
constexpr int kKeepaliveTimeoutMs = 10'000;
constexpr int kMinPingIntervalMs = 10'000;
constexpr int kMaxIdleMs = 600'000;
constexpr unsigned kRereadCertificatesSeconds = 10;
constexpr std::chrono::seconds kLastCalls{1};
constexpr std::uintmax_t kMaxPemBytes = 1 << 20;

/// Answers calls of services that are not served, so that clients read why.
class NotServed final : public grpc::CallbackGenericService {
 public:
  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override {
    class Refusal final : public grpc::ServerGenericBidiReactor {
     public:
      explicit Refusal(const std::string& method) {
        Finish({grpc::StatusCode::UNIMPLEMENTED,
                fmt::format("{}: this hwnasd does not serve it", method)});
      }
      void OnDone() override { delete this; }
    };
    return new Refusal(context->method());
  }
};

std::shared_ptr<grpc::ServerCredentials> credentials_for(const DaemonOptions& options) {
  if (options.tls_certificate.empty()) return grpc::InsecureServerCredentials();
  for (const auto& file :
       {options.tls_certificate, options.tls_key, options.tls_client_authority}) {
    read_file(file, kMaxPemBytes);  // gRPC would not say which one is missing
  }
  namespace tls = grpc::experimental;
  tls::TlsServerCredentialsOptions result(std::make_shared<tls::FileWatcherCertificateProvider>(
      options.tls_key, options.tls_certificate, options.tls_client_authority,
      kRereadCertificatesSeconds));
  result.watch_root_certs();
  result.watch_identity_key_cert_pairs();
  result.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  return tls::TlsServerCredentials(result);
}

Authorization::Options authorization_for(const DaemonOptions& options) {
  Authorization::Options result;
  if (!options.tokens.empty()) result.tokens = Tokens::load(options.tokens);
  result.certificates = !options.tls_certificate.empty();
  return result;
}

SupervisorOptions supervisor_options(const DaemonOptions& options, Devices& devices) {
  SupervisorOptions result = options.jobs;
  result.folder = options.folder;
  result.devices = {
      [&](const auto& tenant, const auto& job) { return devices.is_ready(tenant, job); },
      [&](const auto& tenant, const auto& job) { return devices.learned(tenant, job); }};
  result.quota = options.quota;
  return result;
}

void bound(grpc::ServerBuilder& builder) {
  grpc::ResourceQuota quota("hwnasd");
  builder.SetResourceQuota(quota.Resize(kMaxServerBytes));
  builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
  // A packed message is unpacked before its size is checked: a few KiB may become gigabytes.
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  // Otherwise a second daemon could take half of the calls of the first one.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             kMinPingIntervalMs);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxStreamsOfConnection);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, kMaxIdleMs);
}

}  // namespace

class Daemon::Implementation {
 public:
  Implementation(const DaemonOptions& options, std::function<void(const Error&)> on_fatal)
      : address_(checked_address(options)),
        datasets_(options.datasets, &dataset_store_),
        authorization_(authorization_for(options)),
        store_(options.folder, {.on_fatal = std::move(on_fatal),
                                .on_commit = [this](auto time) { metrics_.observe_commit(time); }}),
        uploads_(store_),
        dataset_store_(store_, options.folder),
        studies_(store_, options.quota),
        suggester_(studies_, pool_),
        jobs_(store_, [this](const auto& uids) { listeners_.publish(uids); }),
        rates_(options.quota.calls_per_second),
        pool_(kPoolThreads, kMaxWaitingCalls),
        checks_(kCheckThreads, kMaxWaitingCalls, WorkerPool::kLowPriority),
        devices_(store_),
        parts_{store_,  jobs_,    datasets_,      authorization_, rates_,          pool_,
               checks_, devices_, options.folder, options.quota,  options.networks},
        watchers_(parts_),
        observability_(options, {.metrics = metrics_,
                                 .store = store_,
                                 .jobs = jobs_.read(),
                                 .watchers = watchers_,
                                 .authorization = authorization_}),
        search_(parts_, watchers_),
        device_service_(parts_),
        dataset_service_(parts_, uploads_, dataset_store_, options.dataset_reader),
        compression_(parts_, uploads_),
        vizier_(parts_, studies_, suggester_),
        supervisor_(jobs_, datasets_, supervisor_options(options, devices_)) {
    listeners_.add([this](const auto& uids) { watchers_.notify(uids); });
    listeners_.add([this](const auto& uids) { supervisor_.notify(uids); });
    serve(options);
    log_event("serving", {{"address", address_}, {"folder", options.folder.string()}});
  }

  ~Implementation() {
    log_event("draining", nlohmann::json::object());
    if (server_) server_->GetHealthCheckService()->SetServingStatus(false);
    supervisor_.drain();
    watchers_.close();
    devices_.models.close();
    dataset_service_.stop();
    if (server_) server_->Shutdown(std::chrono::system_clock::now() + kLastCalls);
    server_.reset();
    listeners_.clear();
  }

  const std::string& address() const { return address_; }

 private:
  void serve(const DaemonOptions& options) {
    measurement::silence_grpc();
    google::protobuf::SetLogHandler(nullptr);  // it has a line for every string that is no UTF-8
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    grpc::ServerBuilder builder;
    int port = 0;
    const bool is_socket = address_.starts_with(kUnix);
    if (is_socket) require_free_socket(address_.substr(kUnix.size()));
    builder.AddListeningPort(address_, credentials_for(options), &port);
    bound(builder);
    observability_.observe(builder);
    builder.RegisterService(&search_);
    builder.RegisterService(&device_service_);
    builder.RegisterService(&dataset_service_);
    builder.RegisterService(&compression_);
    builder.RegisterService(&vizier_);
    builder.RegisterCallbackGenericService(&not_served_);
    server_ = builder.BuildAndStart();
    if (!server_ || port == 0) {
      throw error(ErrorCode::kUnavailable, "cannot listen on {}: is it in use?", address_);
    }
    if (is_socket) {
      ::chmod(address_.c_str() + kUnix.size(), S_IRUSR | S_IWUSR);
    } else {
      address_ = fmt::format("{}:{}", address_.substr(0, address_.rfind(':')), port);
    }
  }

  std::string address_;
  const Datasets datasets_;
  const Authorization authorization_;
  EventListeners listeners_;
  Metrics metrics_;
  Store store_;
  UploadStore uploads_;
  DatasetStore dataset_store_;
  StudyStore studies_;
  Suggester suggester_;
  JobStore jobs_;  // closes the store: what stands above may be used by changes till then
  CallRates rates_;
  WorkerPool pool_;
  WorkerPool checks_;
  Devices devices_;
  ServerParts parts_;
  Watchers watchers_;
  Observability observability_;
  SearchService search_;
  DeviceService device_service_;
  DatasetService dataset_service_;
  CompressionService compression_;
  VizierService vizier_;
  NotServed not_served_;
  Supervisor supervisor_;
  std::unique_ptr<grpc::Server> server_;
};

Daemon::Daemon(const DaemonOptions& options, std::function<void(const Error&)> on_fatal)
    : implementation_(std::make_unique<Implementation>(options, std::move(on_fatal))) {}

Daemon::~Daemon() = default;

const std::string& Daemon::address() const {
  return implementation_->address();
}

}  // namespace hwnas::service
