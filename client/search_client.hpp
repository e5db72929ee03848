#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "client/call_error.hpp"
#include "client/connection.hpp"
#include "client/retry.hpp"
#include "hwnas/v1/search_service.grpc.pb.h"

namespace hwnas::client {

/// hwnasd's SearchService for one tenant. Connects with its first call. Every call has a deadline;
/// what ends with UNAVAILABLE is made again as RetryPolicy says, with the same request_id, so that
/// a change is made once however often it is asked for. All throw CallError. Thread-safe.
///
/// `job` is a job's id, or its name "tenants/…/searchJobs/…".
class SearchClient {
 public:
  /// Throws NotFound or InvalidArgument for files of certificates that cannot be read.
  explicit SearchClient(Connection connection, RetryPolicy policy = {});

  /// Fills in the parent, and a request_id if there is none.
  v1::SearchJob create(v1::CreateSearchJobRequest request) const;
  v1::SearchJob get(std::string_view job) const;
  /// The newest first: the first page of at most 1000, or with `all` every job.
  struct JobList {
    std::vector<v1::SearchJob> jobs;  ///< without their experiments
    bool more = false;                ///< there are more than these
  };
  JobList list(const std::string& filter, int page_size, bool all) const;
  v1::SearchJob cancel(std::string_view job) const;
  void remove(std::string_view job) const;
  v1::ParetoFront front(std::string_view job) const;
  std::vector<v1::Artifact> artifacts(std::string_view job) const;

  /// "tenants/…/searchJobs/…". Throws InvalidArgument for what is neither an id nor a name.
  std::string job_name(std::string_view job) const;

  // For what else is called: streams.
  v1::SearchService::Stub& stub() const { return *stub_; }
  const RetryPolicy& policy() const { return policy_; }
  /// Adds what says who calls.
  void introduce(grpc::ClientContext& context) const;
  /// With a message that says what to do.
  CallError failure(const grpc::Status& status) const;

 private:
  using Attempt = std::function<grpc::Status(grpc::ClientContext&)>;
  void call(const Attempt& attempt) const;

  Connection connection_;
  RetryPolicy policy_;
  std::unique_ptr<v1::SearchService::Stub> stub_;
};

/// 32 hexadecimal digits.
std::string new_request_id();

}  // namespace hwnas::client
