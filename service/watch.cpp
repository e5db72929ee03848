#include "service/watch.hpp"

#include <fmt/format.h>

#include <deque>

#include "service/error_status.hpp"
#include "service/messages.hpp"
#include "service/resource_name.hpp"
#include "service/run_feed.hpp"

namespace hwnas::service {
namespace {

using Clock = std::chrono::steady_clock;
using Response = v1::WatchSearchJobResponse;

constexpr const char* kMethod = "hwnas.v1.SearchService/WatchSearchJob";
constexpr int kEventsAtOnce = 64;
constexpr std::chrono::seconds kAskAgain{10};

/// False for what clients need not know.
bool fill(const EventRecord& event, Response& response) {
  response.set_revision(event.revision);
  *response.mutable_time() = to_message(event.time);
  if (event.job) {
    *response.mutable_search_job() = to_message(*event.job);
  } else if (event.kind == kTrialEvent) {
    from_json(event.payload, *response.mutable_trial());
  } else if (event.kind == kProgressEvent) {
    from_json(event.payload, *response.mutable_progress());
  } else {
    return false;
  }
  return true;
}

}  // namespace

/// One stream. Whoever sets busy_ owns the stream's next step, on a thread of the pool or as a
/// write in flight, and gives it up by clearing busy_ or by finishing; so there is one step at a
/// time, and none after Finish. Deletes itself when gRPC is done with it.
class WatchStream final : public grpc::ServerWriteReactor<Response> {
 public:
  WatchStream(Watchers& watchers, v1::WatchSearchJobRequest request, Credentials credentials)
      : watchers_(watchers),
        request_(std::move(request)),
        credentials_(std::move(credentials)),
        sent_(request_.after_revision()),
        last_write_(Clock::now()) {
    take_step();
  }

  void notify() { take_step(); }
  void beat(Clock::time_point now) {
    {
      const std::lock_guard lock(mutex_);
      if (now - last_write_ < watchers_.heartbeat_) return;
      heartbeat_due_ = true;
    }
    take_step();
  }

  void OnCancel() override {
    {
      const std::lock_guard lock(mutex_);
      cancelled_ = true;
    }
    take_step();
  }
  void OnWriteDone(bool ok) override {
    {
      const std::lock_guard lock(mutex_);
      last_write_ = Clock::now();
    }
    ready_.pop_front();
    if (!ok) return finish({grpc::StatusCode::CANCELLED, "the client has gone"});
    if (!ready_.empty()) return StartWrite(&ready_.front());
    watchers_.parts_.pool.submit_always([this] { step(); });
  }
  void OnDone() override {
    if (uid_ != 0) watchers_.remove(uid_, tenant_, *this);
    delete this;
  }

 private:
  void take_step() {
    {
      const std::lock_guard lock(mutex_);
      again_ = true;
      if (busy_ || finished_) return;
      busy_ = true;
    }
    watchers_.parts_.pool.submit_always([this] { step(); });
  }

  /// Writes the next message, ends the stream, or leaves it until there is news.
  void step() {
    bool heartbeat = false;
    bool gone = false;
    do {
      {
        const std::lock_guard lock(mutex_);
        again_ = false;
        heartbeat = heartbeat_due_;
        heartbeat_due_ = false;
        gone = cancelled_;
      }
      if (gone) return finish({grpc::StatusCode::CANCELLED, "by the client"});
      try {
        if (ready_.empty() && read_events()) return finish(grpc::Status::OK);
      } catch (const std::exception&) {
        return finish(status_of(std::current_exception(), request_.name()));
      }
      if (ready_.empty() && heartbeat) add_heartbeat();
      if (!ready_.empty()) return StartWrite(&ready_.front());
    } while (!give_up_step());
  }

  /// False if there is news by now.
  bool give_up_step() {
    const std::lock_guard lock(mutex_);
    if (!again_) busy_ = false;
    return !again_;
  }

  /// True if the job is final and all of it has been sent.
  bool read_events() {
    if (uid_ == 0) open();
    const JobReader& store = watchers_.parts_.jobs.read();
    // Before the events: what is appended after them belongs to a job that was not final yet.
    const bool final = is_final(store.job(uid_).state);
    const std::vector<EventRecord> events = store.events(uid_, sent_, kEventsAtOnce);
    for (const EventRecord& event : events) {
      if (!fill(event, ready_.emplace_back())) ready_.pop_back();
      sent_ = event.revision;
    }
    if (!final && watchers_.closing()) {
      throw error(ErrorCode::kUnavailable,
                  "the daemon is being ended; watch again from the last revision received");
    }
    return final && events.empty();
  }

  void open() {
    const JobName name = parse_job_name("name", request_.name());
    admit(watchers_.parts_, kMethod, credentials_, name.tenant);
    if (request_.after_revision() < 0) {
      throw InvalidField("after_revision", "is negative; 0 stands for the beginning");
    }
    const std::int64_t uid = watchers_.parts_.jobs.read().job(name).uid;
    watchers_.add(uid, name.tenant, *this);
    uid_ = uid;
    tenant_ = name.tenant;
  }

  void add_heartbeat() {
    Response& response = ready_.emplace_back();
    response.set_revision(sent_);
    *response.mutable_time() = to_message(
        std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now()));
    response.mutable_heartbeat();
  }

  void finish(const grpc::Status& status) {
    {
      const std::lock_guard lock(mutex_);
      finished_ = true;
    }
    Finish(status);
  }

  Watchers& watchers_;
  const v1::WatchSearchJobRequest request_;
  const Credentials credentials_;
  std::int64_t uid_ = 0;  // of the step's owner, as the next three
  std::string tenant_;
  std::int64_t sent_ = 0;       // revision read so far
  std::deque<Response> ready_;  // the first one is being written
  std::mutex mutex_;
  bool busy_ = false;
  bool again_ = false;
  bool heartbeat_due_ = false;
  bool cancelled_ = false;
  bool finished_ = false;
  Clock::time_point last_write_;
};

Watchers::Watchers(ServerParts& parts, std::chrono::milliseconds heartbeat)
    : parts_(parts), heartbeat_(heartbeat), clock_([this] { send_heartbeats(); }) {}

Watchers::~Watchers() {
  close();
  clock_.join();
}

grpc::ServerWriteReactor<Response>* Watchers::open(const v1::WatchSearchJobRequest& request,
                                                   const Credentials& credentials) {
  return new WatchStream(*this, request, credentials);
}

void Watchers::notify(const std::vector<std::int64_t>& uids) {
  const std::lock_guard lock(mutex_);
  for (const std::int64_t uid : uids) {
    const auto found = streams_.find(uid);
    if (found == streams_.end()) continue;
    for (WatchStream* stream : found->second) stream->notify();
  }
}

void Watchers::close() {
  const std::lock_guard lock(mutex_);
  closing_ = true;
  closed_.notify_all();
  for (auto& [uid, streams] : streams_) {
    for (WatchStream* stream : streams) stream->notify();
  }
}

std::size_t Watchers::size() const {
  const std::lock_guard lock(mutex_);
  std::size_t size = 0;
  for (const auto& [uid, streams] : streams_) size += streams.size();
  return size;
}

bool Watchers::closing() const {
  const std::lock_guard lock(mutex_);
  return closing_;
}

void Watchers::add(std::int64_t uid, const std::string& tenant, WatchStream& stream) {
  const std::lock_guard lock(mutex_);
  const int allowed = parts_.quota.watch_streams;
  int& open = streams_of_tenant_[tenant];
  if (allowed != 0 && open >= allowed) {
    throw QuotaExceeded(
        tenant, fmt::format("{} streams are open and no more may be; end some", open), kAskAgain);
  }
  ++open;
  streams_[uid].insert(&stream);
}

void Watchers::remove(std::int64_t uid, const std::string& tenant, WatchStream& stream) {
  const std::lock_guard lock(mutex_);
  const auto open = streams_of_tenant_.find(tenant);
  if (--open->second == 0) streams_of_tenant_.erase(open);
  const auto found = streams_.find(uid);
  found->second.erase(&stream);
  if (found->second.empty()) streams_.erase(found);
}

void Watchers::send_heartbeats() {
  std::unique_lock lock(mutex_);
  while (!closed_.wait_for(lock, heartbeat_ / 4, [&] { return closing_; })) {
    const Clock::time_point now = Clock::now();
    for (auto& [uid, streams] : streams_) {
      for (WatchStream* stream : streams) stream->beat(now);
    }
  }
}

}  // namespace hwnas::service
