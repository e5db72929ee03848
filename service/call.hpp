#pragma once

#include <grpcpp/support/server_callback.h>

#include <exception>
#include <string>
#include <utility>

#include "service/error_status.hpp"
#include "service/outcome.hpp"
#include "service/server_parts.hpp"

namespace hwnas::service {

/// A unary call that is being answered; copied into whatever goes on with it.
class Call {
 public:
  Call(ServerParts& parts, grpc::CallbackServerContext* context, std::string method,
       std::string subject)
      : parts_(parts),
        context_(context),
        reactor_(context->DefaultReactor()),
        method_(std::move(method)),
        subject_(std::move(subject)) {}

  /// In the pool; what it throws is the answer.
  template <typename Work>
  grpc::ServerUnaryReactor* run(const Work& work) const {
    return run_in(parts_.pool, work);
  }
  /// The same for work that begins with a long look at what a client has sent: others go first.
  template <typename Work>
  grpc::ServerUnaryReactor* check_and_run(const Work& work) const {
    return run_in(parts_.checks, work);
  }
  void require(const std::string& tenant) const {
    admit(parts_, method_, credentials_of(*context_), tenant);
  }
  void finish() const { reactor_->Finish(grpc::Status::OK); }
  void fail(std::exception_ptr failure) const { reactor_->Finish(status_of(failure, subject_)); }

 private:
  template <typename Work>
  grpc::ServerUnaryReactor* run_in(WorkerPool& pool, const Work& work) const {
    grpc::ServerUnaryReactor* const reactor = reactor_;
    const Call call = *this;
    try {
      pool.submit([call, work] {
        try {
          work(call);
        } catch (const std::exception&) {
          call.fail(std::current_exception());
        }
      });
    } catch (const std::exception&) {
      fail(std::current_exception());
    }
    return reactor;
  }

  ServerParts& parts_;
  grpc::CallbackServerContext* context_;
  grpc::ServerUnaryReactor* reactor_;
  std::string method_;
  std::string subject_;
};

/// For the store's thread: fills the response and answers.
template <typename T, typename Fill>
Callback<T> answer_with(const Call& call, const Fill& fill) {
  return [call, fill](Outcome<T> outcome) {
    try {
      fill(outcome.get());
    } catch (const std::exception&) {
      return call.fail(std::current_exception());
    }
    call.finish();
  };
}

}  // namespace hwnas::service
