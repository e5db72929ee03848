#include "service/rpc_observer.hpp"

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <grpcpp/support/server_interceptor.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <nlohmann/json.hpp>
#include <random>

#include "service/error_status.hpp"
#include "service/log.hpp"
#include "service/log_budget.hpp"
#include "service/server_parts.hpp"

namespace hwnas::service {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using grpc::StatusCode;
using grpc::experimental::InterceptionHookPoints;
using grpc::experimental::InterceptorBatchMethods;
using grpc::experimental::ServerRpcInfo;
using Clock = std::chrono::steady_clock;

constexpr const char* kRequestId = "x-request-id";
constexpr const char* kTraceParent = "traceparent";
constexpr std::size_t kMaxRequestIdBytes = 128;
constexpr std::size_t kMaxResourceBytes = 256;
constexpr std::size_t kCodes = StatusCode::UNAUTHENTICATED + 1;
constexpr double kLogAtOnce = 200, kLogPerSecond = 50;
constexpr double kRefusalsAtOnce = 100, kRefusalsPerSecond = 10;

/// What is known of a method beforehand.
struct Method {
  std::string label = "other";  // a name that is not served is the client's: it could be anything
  Right right = Right::kAnyone;
  const FieldDescriptor* subject = nullptr;  // of the request: the resource's name
  const FieldDescriptor* made = nullptr;     // of the response
  std::array<std::atomic<prometheus::Histogram*>, kCodes> durations = {};
};

const FieldDescriptor* text_field(const google::protobuf::Descriptor* message,
                                  std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const FieldDescriptor* field = message->FindFieldByName(name);
    const bool is_text = field != nullptr && !field->is_repeated() &&
                         field->cpp_type() == FieldDescriptor::CPPTYPE_STRING;
    if (is_text) return field;
  }
  return nullptr;
}

void describe(const MethodRule& rule, Method& method) {
  method.label = rule.method;
  method.right = rule.right;
  std::string full_name(rule.method);
  std::ranges::replace(full_name, '/', '.');
  const auto* found =
      google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(full_name);
  if (found == nullptr) return;  // one of gRPC's own
  method.subject = text_field(found->input_type(), {"name", "parent"});
  method.made = text_field(found->output_type(), {"name"});
}

/// `message`: what gRPC hands to observers, of the generated class that the field belongs to, whose
/// one base it starts with.
std::string text_of(const void* message, const FieldDescriptor* field) {
  if (message == nullptr || field == nullptr) return {};
  const auto& typed = *static_cast<const Message*>(message);
  std::string scratch;
  return cut(typed.GetReflection()->GetStringReference(typed, field, &scratch), kMaxResourceBytes);
}

/// "acme" of "tenants/acme/searchJobs/a".
std::string tenant_of(std::string_view resource) {
  constexpr std::string_view kTenants = "tenants/";
  if (!resource.starts_with(kTenants)) return {};
  resource.remove_prefix(kTenants.size());
  return std::string(resource.substr(0, resource.find('/')));
}

/// "tenants/acme/searchJobs/a" of what belongs to the job; empty for other resources.
std::string job_of(const std::string& resource) {
  const std::size_t jobs = resource.find("Jobs/");
  return jobs == std::string::npos ? "" : resource.substr(0, resource.find('/', jobs + 5));
}

LogLevel level_of(StatusCode code) {
  switch (code) {
    case StatusCode::OK:
    case StatusCode::CANCELLED:
      return LogLevel::kDebug;
    case StatusCode::PERMISSION_DENIED:
    case StatusCode::UNAUTHENTICATED:
    case StatusCode::RESOURCE_EXHAUSTED:
      return LogLevel::kWarning;
    case StatusCode::UNKNOWN:
    case StatusCode::INTERNAL:
    case StatusCode::UNAVAILABLE:
    case StatusCode::DATA_LOSS:
      return LogLevel::kError;
    default:
      return LogLevel::kInfo;
  }
}

/// One call, from its arrival to its status.
struct Observed {
  Method* method = nullptr;
  grpc::ServerContextBase* context = nullptr;
  Clock::time_point begun = Clock::now();
  std::string request_id = {};
  std::string trace_id = {};
  std::string resource = {};
};

}  // namespace

class RpcObserver::Implementation {
 public:
  Implementation(Metrics& metrics, AuditLog& audit, const Authorization& authorization)
      : metrics_(metrics), audit_(audit), authorization_(authorization) {
    for (const MethodRule& rule : method_rules()) {
      describe(rule, methods_["/" + std::string(rule.method)]);
    }
  }

  Method& method(std::string_view path) {
    const auto found = methods_.find(path);
    return found == methods_.end() ? other_ : found->second;
  }

  void conclude(const Observed& call, const grpc::Status& status) {
    const std::chrono::duration<double> duration = Clock::now() - call.begun;
    const std::string& code = name_of(status.error_code());
    duration_of(*call.method, status.error_code(), code).Observe(duration.count());
    const LogLevel level = level_of(status.error_code());
    const bool may_be_refusal = !status.ok() && call.method->right != Right::kAnyone;
    if (!is_logged(level) && call.method->right != Right::kWrite && !may_be_refusal) return;
    const std::optional<Caller> caller = caller_of(call);
    note(call, caller, status.error_code(), code);
    if (is_logged(level)) log(call, caller, status, code, duration.count());
  }

 private:
  prometheus::Histogram& duration_of(Method& method, StatusCode code, const std::string& name) {
    auto& known = method.durations.at(static_cast<std::size_t>(code));
    prometheus::Histogram* histogram = known.load();
    if (histogram == nullptr) known = histogram = &metrics_.rpc_duration(method.label, name);
    return *histogram;
  }

  std::optional<Caller> caller_of(const Observed& call) const {
    try {
      return authorization_.caller_of(credentials_of(*call.context));
    } catch (const Error&) {
      return std::nullopt;
    }
  }

  void note(const Observed& call, const std::optional<Caller>& caller, StatusCode code,
            const std::string& name) {
    const bool is_others = code == StatusCode::NOT_FOUND && caller && !caller->tenant.empty() &&
                           caller->tenant != tenant_of(call.resource);
    const bool is_refusal =
        code == StatusCode::PERMISSION_DENIED || code == StatusCode::UNAUTHENTICATED || is_others;
    if (!is_refusal && call.method->right != Right::kWrite) return;
    AuditEntry entry{.caller = !caller                  ? "unknown"
                               : caller->tenant.empty() ? "operator"
                                                        : "tenants/" + caller->tenant,
                     .method = call.method->label,
                     .resource = call.resource,
                     .outcome = name,
                     .request_id = call.request_id};
    if (is_refusal) {
      const auto suppressed = refusals_.take();
      if (!suppressed) return;
      entry.suppressed = *suppressed;
    }
    audit_.append(std::move(entry));
  }

  void log(const Observed& call, const std::optional<Caller>& caller, const grpc::Status& status,
           const std::string& code, double seconds) {
    const auto suppressed = lines_.take();
    if (!suppressed) return;
    nlohmann::ordered_json fields{{"method", call.method->label},
                                  {"code", code},
                                  {"duration_seconds", seconds},
                                  {"request_id", call.request_id}};
    const auto add = [&](const char* key, std::string value) {
      if (!value.empty()) fields[key] = std::move(value);
    };
    add("trace_id", call.trace_id);
    add("tenant", caller && !caller->tenant.empty() ? caller->tenant : tenant_of(call.resource));
    const std::string job = job_of(call.resource);
    add(job.empty() ? "resource" : "job", job.empty() ? call.resource : job);
    add("message", status.error_message());
    if (*suppressed > 0) fields["suppressed"] = *suppressed;
    log_event(level_of(status.error_code()), "rpc", fields);
  }

  Metrics& metrics_;
  AuditLog& audit_;
  const Authorization& authorization_;
  std::map<std::string, Method, std::less<>> methods_;
  Method other_;
  LogBudget lines_{kLogAtOnce, kLogPerSecond};
  LogBudget refusals_{kRefusalsAtOnce, kRefusalsPerSecond};
};

namespace {

std::string text_in(const std::multimap<grpc::string_ref, grpc::string_ref>& metadata,
                    const char* key) {
  const auto found = metadata.find(key);
  return found == metadata.end() ? "" : std::string(found->second.data(), found->second.size());
}

class Interceptor final : public grpc::experimental::Interceptor {
 public:
  Interceptor(RpcObserver::Implementation& observer, ServerRpcInfo& info)
      : observer_(observer),
        has_messages_(info.type() != ServerRpcInfo::Type::BIDI_STREAMING),
        call_{.method = &observer.method(info.method()), .context = info.server_context()} {}

  void Intercept(InterceptorBatchMethods* batch) override {
    const auto is_at = [&](InterceptionHookPoints point) {
      return batch->QueryInterceptionHookPoint(point);
    };
    if (is_at(InterceptionHookPoints::POST_RECV_INITIAL_METADATA)) {
      const auto& metadata = *batch->GetRecvInitialMetadata();
      call_.request_id = request_id_of(text_in(metadata, kRequestId));
      call_.trace_id = trace_id_of(text_in(metadata, kTraceParent));
    }
    // Calls of services that are not served are of this kind, and their messages are plain bytes.
    if (has_messages_) {
      if (is_at(InterceptionHookPoints::POST_RECV_MESSAGE) && call_.resource.empty()) {
        call_.resource = text_of(batch->GetRecvMessage(), call_.method->subject);
      }
      if (is_at(InterceptionHookPoints::PRE_SEND_MESSAGE) && call_.method->made != nullptr) {
        std::string made = text_of(batch->GetSendMessage(), call_.method->made);
        if (!made.empty()) call_.resource = std::move(made);
      }
    }
    if (is_at(InterceptionHookPoints::PRE_SEND_STATUS)) {
      batch->GetSendTrailingMetadata()->emplace(kRequestId, call_.request_id);
      observer_.conclude(call_, batch->GetSendStatus());
    }
    batch->Proceed();
  }

 private:
  RpcObserver::Implementation& observer_;
  const bool has_messages_;
  Observed call_;
};

class Factory final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  explicit Factory(RpcObserver::Implementation& observer) : observer_(observer) {}
  grpc::experimental::Interceptor* CreateServerInterceptor(ServerRpcInfo* info) override {
    return new Interceptor(observer_, *info);
  }

 private:
  RpcObserver::Implementation& observer_;
};

bool is_hexadecimal(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

std::string request_id_of(std::string_view sent) {
  const bool is_sane =
      !sent.empty() && sent.size() <= kMaxRequestIdBytes && std::ranges::all_of(sent, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '_' || c == ':' || c == '-';
      });
  if (is_sane) return std::string(sent);
  thread_local std::mt19937_64 random{std::random_device{}()};
  return fmt::format("{:016x}{:016x}", random(), random());
}

std::string trace_id_of(std::string_view traceparent) {
  constexpr std::size_t kBegin = 3, kDigits = 32, kEnd = kBegin + kDigits;
  constexpr std::size_t kShortest = 55;  // of all versions; later ones may be longer
  if (traceparent.size() < kShortest || traceparent[2] != '-' || traceparent[kEnd] != '-') {
    return {};
  }
  const std::string_view id = traceparent.substr(kBegin, kDigits);
  const bool is_id = is_hexadecimal(id) && is_hexadecimal(traceparent.substr(0, 2)) &&
                     id.find_first_not_of('0') != std::string_view::npos;
  return is_id ? std::string(id) : "";
}

RpcObserver::RpcObserver(Metrics& metrics, AuditLog& audit, const Authorization& authorization)
    : implementation_(std::make_unique<Implementation>(metrics, audit, authorization)) {}

RpcObserver::~RpcObserver() = default;

void RpcObserver::observe(grpc::ServerBuilder& builder) {
  std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> factories;
  factories.push_back(std::make_unique<Factory>(*implementation_));
  builder.experimental().SetInterceptorCreators(std::move(factories));
}

}  // namespace hwnas::service
