#include "tests/service/abuse_cases.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <limits>

#include "hwnas/v1/search_service.pb.h"
#include "tests/core/hostile_yaml.hpp"

namespace hwnas::service {
namespace {

using namespace std::string_literals;
using enum grpc::StatusCode;
using Cases = std::vector<AbuseCase>;

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

template <typename Request>
Request named(const std::string& name) {
  Request request;
  if constexpr (requires { request.set_name(name); }) {
    request.set_name(name);
  } else {
    request.set_parent(name);
  }
  return request;
}

template <typename Request>
std::string named_bytes(const std::string& name) {
  return named<Request>(name).SerializeAsString();
}

/// Every method that names a job, with the bytes of a request that says no more.
std::vector<std::pair<std::string, std::string>> calls_of(const std::string& job) {
  return {{"GetSearchJob", named_bytes<v1::GetSearchJobRequest>(job)},
          {"WatchSearchJob", named_bytes<v1::WatchSearchJobRequest>(job)},
          {"CancelSearchJob", named_bytes<v1::CancelSearchJobRequest>(job)},
          {"DeleteSearchJob", named_bytes<v1::DeleteSearchJobRequest>(job)},
          {"ListTrials", named_bytes<v1::ListTrialsRequest>(job)},
          {"GetParetoFront", named_bytes<v1::GetParetoFrontRequest>(job)},
          {"ListArtifacts", named_bytes<v1::ListArtifactsRequest>(job)},
          {"DownloadArtifact", named_bytes<v1::DownloadArtifactRequest>(job + "/artifacts/onnx")}};
}

v1::CreateSearchJobRequest creation(const std::string& experiment) {
  v1::CreateSearchJobRequest request;
  request.set_parent("tenants/acme");
  request.mutable_search_job()->set_experiment(experiment);
  return request;
}

AbuseCase creation_case(const std::string& name, const v1::CreateSearchJobRequest& request,
                        const std::string& message) {
  return {name, "CreateSearchJob", request.SerializeAsString(), INVALID_ARGUMENT, message};
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  if (at == std::string::npos) throw std::logic_error("the sample experiment has no " + from);
  return text.replace(at, from.size(), to);
}

Cases yaml_cases() {
  Cases cases;
  for (const HostileYaml& yaml : hostile_yaml()) {
    // Protobuf refuses strings that are no UTF-8, and gRPC answers what cannot be parsed so.
    const bool utf8 = yaml.reason != "UTF-8";
    cases.push_back({"YAML " + yaml.name, "CreateSearchJob",
                     creation(yaml.text).SerializeAsString(),
                     utf8 ? INVALID_ARGUMENT : UNIMPLEMENTED, utf8 ? "search_job.experiment" : ""});
  }
  return cases;
}

/// Networks far too large: each is refused before anything of its size is made.
Cases space_cases(const AbuseTarget& target) {
  const std::string stage = "depth: [ 1, 2 ], channels: [ 4, 8, 16, 64 ], kernel: [ 3, 5 ]";
  const std::string data = "data: { name: waves }";
  const std::string quota = "are the most that this daemon takes";
  const auto with_stage = [&](const std::string& other) {
    return replaced(target.experiment, stage, other);
  };
  const std::string family = "family: conv1d\n  stages:";
  const std::string resnet = "family: resnet\n  stem: { channels: 4096 }\n  stages:\n" +
                             repeat("    - { depth: 32, channels: 4096 }\n", 14);
  Cases cases;
  for (const auto& [name, text, message] : std::vector<std::array<std::string, 3>>{
           {"a billion parameters", with_stage("depth: 6, channels: 4096, kernel: 15"), quota},
           {"hidden behind what is separable",
            with_stage("depth: 6, channels: 4096, kernel: 15, separable: [ false, true ]"), quota},
           {"hidden among 64 options",
            with_stage("depth: [ 1, 32 ], channels: [ 1, 4096 ], kernel: 9"), quota},
           {"70 billion parameters",
            replaced(replaced(target.experiment, family, resnet),
                     ", kernel: [ 3, 5 ], stride: [ 1, 2 ] }", " }"),
            "search_job.experiment"},
           {"a layer of a billion", with_stage("depth: 2, channels: 4096, kernel: 63"),
            "network is refused"},
           {"longest kernels", with_stage("depth: 2, channels: 4096, kernel: 1024"),
            "network is refused"},
           {"channels beyond integers", with_stage("channels: 1e300, kernel: 3"), "channels"},
           {"image of 16 million pixels a side",
            replaced(target.experiment, data,
                     "data: { name: none, input: [ 3, 16777216, 16777216 ], classes: 10 }"),
            "data.input"},
           {"image of 10^18 pixels a side",
            replaced(target.experiment, data,
                     "data: { name: none, input: [ 1, 1e18, 1 ], classes: 10 }"),
            "data.input"},
           {"negative image",
            replaced(target.experiment, data,
                     "data: { name: none, input: [ -3, 32, 32 ], classes: 10 }"),
            "data.input"},
           {"a billion classes",
            replaced(target.experiment, data,
                     "data: { name: none, input: [ 3, 32, 32 ], classes: 1e9 }"),
            "data.classes"},
           {"10^18 trials", replaced(target.experiment, "trials: 20", "trials: 1e18"),
            "search.trials"},
           {"10^18 epochs", replaced(target.experiment, "epochs: 3", "epochs: 1e18"), "epochs"}}) {
    cases.push_back(creation_case("space: " + name, creation(text), message));
  }
  return cases;
}

/// Names that would be paths if names became paths.
Cases path_cases(const AbuseTarget& target) {
  Cases cases;
  for (const std::string& id : {".."s,
                                "..%2f..%2fetc%2fpasswd"s,
                                "../../../etc/passwd"s,
                                "/etc/passwd"s,
                                "a\0b"s,
                                "."s,
                                ".hidden"s,
                                "a/../b"s,
                                "a\\..\\b"s,
                                "\u2025\u2215"s,
                                "\uff0e\uff0e"s,
                                "A"s,
                                "~root"s,
                                "-rf"s,
                                "a\nb"s,
                                "${HOME}"s,
                                ""s,
                                std::string(64, 'a'),
                                std::string(100'000, 'a'),
                                "con:"s}) {
    for (auto& [method, request] : calls_of("tenants/acme/searchJobs/" + id)) {
      cases.push_back({fmt::format("{} of the id '{:.20}'", method, id), method, request,
                       INVALID_ARGUMENT, "is no name of the form"});
    }
    if (id.empty()) continue;  // then the daemon makes one
    v1::CreateSearchJobRequest request = creation(target.experiment);
    request.set_search_job_id(id);
    cases.push_back(creation_case(fmt::format("creation as '{:.20}'", id), request, "is no id"));
  }
  for (const std::string& parent : {"tenants/.."s, "tenants/"s, ""s, "tenants/acme/"s, "/"s,
                                    "tenants/acme/searchJobs"s, "projects/acme"s}) {
    cases.push_back({"jobs of " + parent, "ListSearchJobs",
                     named_bytes<v1::ListSearchJobsRequest>(parent), INVALID_ARGUMENT,
                     "is no name of the form tenants/ID"});
  }
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"name: waves }", "name: ../waves }"},
           {"name: waves }", "name: /etc/passwd }"},
           {"name: stm32f746", "name: ../../../etc/passwd"},
           {"name: stm32f746", "file: /etc/passwd"},
           {"family: conv1d", "file: ../../secret.yaml"},
           {"family: conv1d", "family: ../conv1d"},
           {"strategy: nsga2", "strategy: ../../lib/evil.so"},
           {"export: [ onnx ]", "export: [ ../../x ]"},
           {"name: waves", "name: ../../waves"}}) {
    cases.push_back(creation_case("experiment with " + to,
                                  creation(replaced(target.experiment, from, to)),
                                  "search_job.experiment"));
  }
  return cases;
}

Cases tenant_cases(const AbuseTarget& target) {
  Cases cases;
  for (auto& [method, request] : calls_of(target.foreign_job)) {
    cases.push_back(
        {method + " of another tenant's job", method, request, NOT_FOUND, "no such tenant"});
  }
  for (auto& [method, request] : calls_of("tenants/nobody/searchJobs/quiet")) {
    cases.push_back(
        {method + " of a tenant that is none", method, request, NOT_FOUND, "no such tenant"});
  }
  v1::CreateSearchJobRequest create = creation(target.experiment);
  create.set_parent("tenants/bolt");
  cases.push_back({"job for another tenant", "CreateSearchJob", create.SerializeAsString(),
                   NOT_FOUND, "no such tenant"});
  cases.push_back({"another tenant's jobs", "ListSearchJobs",
                   named_bytes<v1::ListSearchJobsRequest>("tenants/bolt"), NOT_FOUND,
                   "no such tenant"});
  cases.push_back({"validation as another tenant", "ValidateSearchJob",
                   named_bytes<v1::ValidateSearchJobRequest>("tenants/bolt"), NOT_FOUND,
                   "no such tenant"});
  return cases;
}

Cases caller_cases(const AbuseTarget& target) {
  const std::string get = named_bytes<v1::GetSearchJobRequest>(target.own_job);
  Cases cases;
  for (const std::string& value :
       {"Bearer wrong-token-0123456789"s, "bearer "s + kAttackerToken, "Bearer"s, "Bearer "s,
        "Basic YWNtZTphY21l"s, "Bearer "s + kAttackerToken + " "s, std::string(kAttackerToken),
        "Bearer " + std::string(4000, 'x')}) {
    cases.push_back({fmt::format("authorization '{:.30}'", value),
                     "GetSearchJob",
                     get,
                     UNAUTHENTICATED,
                     "nobody known",
                     {{"authorization", value}},
                     false});
  }
  cases.push_back({"no token", "GetSearchJob", get, UNAUTHENTICATED, "nobody known", {}, false});
  const std::vector<std::pair<std::string, std::string>> reader = {
      {"authorization", std::string("Bearer ") + kReaderToken}};
  for (const char* method : {"CancelSearchJob", "DeleteSearchJob"}) {
    cases.push_back({method + " by a reader"s, method, get, PERMISSION_DENIED,
                     "may read and not write", reader, false});
  }
  std::vector<std::pair<std::string, std::string>> metadata;
  metadata.emplace_back("x-padding", std::string(16 << 10, 'x'));
  cases.push_back(
      {"metadata of 16 KiB", "GetSearchJob", get, RESOURCE_EXHAUSTED, "metadata", metadata});
  metadata.pop_back();
  for (int i = 0; i < 1000; ++i) metadata.emplace_back(fmt::format("x-{}", i), "x");
  cases.push_back(
      {"1000 entries of metadata", "GetSearchJob", get, RESOURCE_EXHAUSTED, "metadata", metadata});
  return cases;
}

Cases message_cases(const AbuseTarget& target) {
  Cases cases;
  for (const auto& [method, request] : calls_of(target.own_job)) {
    cases.push_back({"garbage for " + method, method, std::string(64, '\xff'), UNIMPLEMENTED});
    cases.push_back({"cut request for " + method, method, request.substr(0, request.size() - 1),
                     UNIMPLEMENTED});
  }
  cases.push_back({"message of 5 MiB", "CreateSearchJob", std::string(5 << 20, '\0'),
                   RESOURCE_EXHAUSTED, "larger than max"});
  const std::string bomb = creation(std::string(16 << 20, 'a')).SerializeAsString();
  cases.push_back({"message of 16 MiB, packed",
                   "CreateSearchJob",
                   bomb,
                   UNIMPLEMENTED,
                   "disabled",
                   {},
                   true,
                   true});
  cases.push_back({"groups of unknown fields, nested", "GetSearchJob", std::string(20'000, '\x0b'),
                   UNIMPLEMENTED});
  cases.push_back({"name that is no UTF-8", "GetSearchJob", "\x0a\x02\xff\xfe", UNIMPLEMENTED});
  cases.push_back({"unknown method", "Nothing", "", UNIMPLEMENTED, "does not serve it"});
  cases.push_back(
      {"unknown service", "/hwnas.v1.Root/Shell", "", UNIMPLEMENTED, "does not serve it"});
  cases.push_back(
      {"method that is a path", "/../../etc/passwd", "", UNIMPLEMENTED, "does not serve it"});
  return cases;
}

Cases creation_cases(const AbuseTarget& target) {
  Cases cases;
  for (const int priority :
       {-101, 101, std::numeric_limits<int>::min(), std::numeric_limits<int>::max()}) {
    auto request = creation(target.experiment);
    request.mutable_search_job()->set_priority(priority);
    cases.push_back(
        creation_case(fmt::format("priority {}", priority), request, "search_job.priority"));
  }
  for (const std::string& name : {std::string(64, 'a'), "a\x1b[2Jb"s, "a\0b"s}) {
    auto request = creation(target.experiment);
    request.mutable_search_job()->set_display_name(name);
    cases.push_back(creation_case(fmt::format("display_name of {} bytes", name.size()), request,
                                  "search_job.display_name"));
  }
  for (const std::string& id : {std::string(129, 'r'), "a b"s, "a\nb"s, "\u00e9"s, "a\0"s}) {
    auto request = creation(target.experiment);
    request.set_request_id(id);
    cases.push_back(
        creation_case(fmt::format("request_id of {} bytes", id.size()), request, "request_id"));
  }
  auto request = creation(target.experiment);
  request.set_request_id("used");  // for the target's own job
  request.set_search_job_id("other");
  cases.push_back(creation_case("request_id of another request", request, "request_id"));
  return cases;
}

Cases listing_cases(const AbuseTarget& target) {
  Cases cases;
  const auto list = [&](const std::string& name, auto change, const std::string& message) {
    auto request = named<v1::ListSearchJobsRequest>("tenants/acme");
    change(request);
    cases.push_back(
        {name, "ListSearchJobs", request.SerializeAsString(), INVALID_ARGUMENT, message});
  };
  for (const int size : {-1, std::numeric_limits<int>::min()}) {
    list(
        fmt::format("page_size {}", size), [&](auto& r) { r.set_page_size(size); }, "page_size");
  }
  const std::string& token = target.page_token;
  for (const std::string& forged :
       {"x"s, token.substr(1), token + "00", std::string(token.size(), '0'), token + token,
        std::string(1 << 20, 'a'), token.substr(0, 32), "../" + token, "\u00e9"s}) {
    list(
        fmt::format("page token of {} bytes", forged.size()),
        [&](auto& r) { r.set_page_token(forged); }, "page_token");
  }
  list(
      "page token of another filter",
      [&](auto& r) {
        r.set_page_token(token);
        r.set_filter("priority = 0");
      },
      "page_token");
  auto trials = named<v1::ListTrialsRequest>(target.own_job);
  trials.set_page_token(token);
  cases.push_back({"page token of another listing", "ListTrials", trials.SerializeAsString(),
                   INVALID_ARGUMENT, "page_token"});
  for (const std::string& filter :
       {"state = RUNNING OR state = QUEUED"s, std::string(100'000, '('), "1 = 1"s, "state = '"s,
        "state = QUEUED; DROP TABLE job"s, "uid = 1"s, "tenant = bolt"s, "state =\0"s,
        "priority > 99999999999999999999"s, "create_time > 0000-00-00T00:00:00Z"s,
        repeat("priority > 0 AND ", 100) + "priority > 0"}) {
    list(
        fmt::format("filter {:.20}", filter), [&](auto& r) { r.set_filter(filter); }, "filter");
  }
  return cases;
}

Cases stream_cases(const AbuseTarget& target) {
  Cases cases;
  const auto download = [&](std::int64_t offset, const std::string& digest) {
    auto request = named<v1::DownloadArtifactRequest>(target.own_job + "/artifacts/onnx");
    request.set_offset(offset);
    request.set_sha256(digest);
    return request.SerializeAsString();
  };
  for (const std::int64_t offset : {std::int64_t{-1}, -kMost - 1, kMost}) {
    cases.push_back({fmt::format("download from {}", offset), "DownloadArtifact",
                     download(offset, ""), OUT_OF_RANGE, "offset"});
  }
  cases.push_back({"download of other bytes", "DownloadArtifact", download(0, std::string(64, '0')),
                   ABORTED, "another file"});
  auto watched = named<v1::WatchSearchJobRequest>(target.own_job);
  for (const std::int64_t revision : {std::int64_t{-1}, -kMost - 1}) {
    watched.set_after_revision(revision);
    cases.push_back({fmt::format("watch after {}", revision), "WatchSearchJob",
                     watched.SerializeAsString(), INVALID_ARGUMENT, "after_revision"});
  }
  auto cancel = named<v1::DeleteSearchJobRequest>(target.own_job);
  cancel.set_etag("\"ffffffffffffffff\"");
  cases.push_back(
      {"deletion by a wrong etag", "DeleteSearchJob", cancel.SerializeAsString(), ABORTED});
  return cases;
}

}  // namespace

std::vector<AbuseCase> abuse_cases(const AbuseTarget& target) {
  Cases all = other_service_cases();
  for (Cases cases : {yaml_cases(), space_cases(target), path_cases(target), tenant_cases(target),
                      caller_cases(target), message_cases(target), creation_cases(target),
                      listing_cases(target), stream_cases(target)}) {
    all.insert(all.end(), cases.begin(), cases.end());
  }
  return all;
}

}  // namespace hwnas::service
