#pragma once

#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "core/error.hpp"

namespace hwnas::service {

/// What became of a request: its result, or the exception that ended it (an Error, by contract).
template <typename T>
class Outcome {
 public:
  Outcome(T value) : content_(std::move(value)) {}
  Outcome(std::exception_ptr error) : content_(std::move(error)) {}

  bool succeeded() const { return content_.index() == 0; }
  /// The result; throws the exception if there is none.
  const T& get() const {
    if (!succeeded()) std::rethrow_exception(std::get<1>(content_));
    return std::get<0>(content_);
  }

 private:
  std::variant<T, std::exception_ptr> content_;
};

/// Called once, on a thread of the callee's: it must be quick, and must not throw.
template <typename T>
using Callback = std::function<void(Outcome<T>)>;

/// Makes a call that takes a callback, and waits for it: gives the result or throws the exception.
/// Not for the callee's own thread.
template <typename T, typename Call>
T await(const Call& call) {
  const auto promise = std::make_shared<std::promise<Outcome<T>>>();
  call([promise](Outcome<T> outcome) { promise->set_value(std::move(outcome)); });
  return promise->get_future().get().get();
}

/// Why one request is refused. The work of others in the same transaction goes on.
class Refusal : public Error {
 public:
  using Error::Error;
  explicit Refusal(const Error& error) : Error(error) {}
};

/// The etag given is not the resource's any more (ABORTED in gRPC's words).
class StaleEtag : public Refusal {
 public:
  using Refusal::Refusal;
};

/// Throws StaleEtag if a client has given an etag that is not `current`.
inline void require_etag(const std::string& name, const std::string& given,
                         const std::string& current) {
  if (given.empty() || given == current) return;
  throw StaleEtag(ErrorCode::kFailedPrecondition, name + ": changed since it was read (etag " +
                                                      given + ", now " + current +
                                                      "); read it again");
}

}  // namespace hwnas::service
