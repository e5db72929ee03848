#include "client/watch.hpp"

#include <condition_variable>
#include <mutex>

namespace hwnas::client {
namespace {

using Event = v1::WatchSearchJobResponse;

/// False if a stop was requested.
bool sleep(std::chrono::milliseconds duration, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, duration, [] { return false; });
  return !stop.stop_requested();
}

/// Messages of one stream, from its opening to its end.
grpc::Status read_stream(const SearchClient& client, const v1::WatchSearchJobRequest& request,
                         const std::stop_token& stop,
                         const std::function<void(const Event&)>& received) {
  grpc::ClientContext context;
  client.introduce(context);
  const std::stop_callback cancel(stop, [&context] { context.TryCancel(); });
  const auto reader = client.stub().WatchSearchJob(&context, request);
  try {
    for (Event event; reader->Read(&event);) received(event);
  } catch (...) {
    context.TryCancel();
    reader->Finish();
    throw;
  }
  return reader->Finish();
}

/// Whether watching on from the last revision can help. RESOURCE_EXHAUSTED ends the stream of a
/// client that read too slowly; where nothing was read, it is a quota.
bool can_go_on(const grpc::Status& status, bool read_something) {
  return status.error_code() == grpc::StatusCode::UNAVAILABLE ||
         (status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED && read_something);
}

}  // namespace

v1::SearchJob watch(const SearchClient& client, std::string_view job, const WatchOptions& options,
                    const std::function<void(const Event&)>& on_event) {
  v1::WatchSearchJobRequest request;
  request.set_name(client.job_name(job));
  request.set_after_revision(options.after_revision);
  const RetryPolicy& policy = client.policy();
  Backoff backoff(policy, policy.give_up_after, random_seed());
  bool cut = false;
  while (true) {
    bool read_something = false;
    const grpc::Status status = read_stream(client, request, options.stop, [&](const Event& event) {
      read_something = true;
      request.set_after_revision(event.revision());
      if (!event.has_heartbeat()) on_event(event);
    });
    if (options.stop.stop_requested()) throw error(ErrorCode::kCancelled, "no longer watched");
    if (status.ok()) return client.get(job);
    if (!can_go_on(status, read_something)) throw client.failure(status);
    if (read_something) {
      cut = false;
      backoff = Backoff(policy, policy.give_up_stream_after, random_seed());
    }
    const auto wait = backoff.next(retry_delay_of(status));
    if (!wait) throw client.failure(status);
    if (!cut && options.on_cut) options.on_cut(client.failure(status).what());
    cut = true;
    if (!sleep(*wait, options.stop)) throw error(ErrorCode::kCancelled, "no longer watched");
  }
}

}  // namespace hwnas::client
