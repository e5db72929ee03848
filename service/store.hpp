#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/database.hpp"
#include "engine/run_lock.hpp"
#include "service/group_commit.hpp"
#include "service/job.hpp"
#include "service/outcome.hpp"
#include "service/page_token.hpp"
#include "service/requests.hpp"

namespace hwnas::service {

struct StoreOptions {
  /// Gives the time of day. Nothing depends on its running evenly, or forwards.
  std::function<Time()> clock = {};
  // See GroupCommitOptions.
  std::function<void(const Error&)> on_fatal = {};
  std::size_t max_waiting = 10'000;
  std::function<void(std::chrono::duration<double>)> on_commit = {};
};

/// How a response is kept, for the call being repeated.
template <typename T>
struct ResponseText {
  std::string (*encode)(const T&);
  T (*decode)(const std::string&);
};

/// The daemon's database: service.db in its data folder, which this object keeps locked. JobStore
/// and the like are what it holds; they all write by its one committing thread. Thread-safe.
///
/// A change's callback comes when the disk has it: acknowledged means durable. Changes of one
/// thread are made in the order of its calls. As errors callbacks get, beside the Refusal of the
/// change itself: ResourceExhausted if the disk is full (nothing is changed; later calls work again
/// once there is room), Unavailable if too much waits, or if the disk or the file has failed (see
/// on_fatal). What ended with Unavailable may have been done: repeat it with the same RequestKey.
class Store {
 public:
  /// Makes the folder and the store if need be, brings an older store to this version (and keeps a
  /// copy, see migrate), and below SQLite 3.51.3 checks the file. Throws FailedPrecondition if
  /// another process serves the folder, or if the file is damaged or of a newer version;
  /// Unavailable or ResourceExhausted for the disk.
  explicit Store(const std::filesystem::path& folder, StoreOptions options = {});
  /// close().
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  /// Called on the committing thread after each transaction, before its callbacks: quick, and
  /// without exceptions. Before the first change only.
  void after_commit(std::function<void(bool committed)> hook);

  /// Stores what waits; later changes end with Unavailable. What hooks and changes refer to calls
  /// it before it goes.
  void close();

  /// See GroupCommit::submit.
  void submit(GroupCommit::Work work, GroupCommit::Done done, std::size_t bytes);
  /// Makes a change whose result is the call's response. With the id of a call that was made
  /// before it changes nothing and gives that one's. `bytes`: about what it writes.
  template <typename T>
  void change(RecordedRequest request, std::size_t bytes,
              std::function<T(engine::Database&)> change, ResponseText<T> text, Callback<T> done);

  /// A connection for reading the store as it is after the last COMMIT, while it is written; for
  /// one thread, soon given back.
  class Lease {
   public:
    explicit Lease(const Store& store);
    ~Lease();
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    engine::Database& operator*() const { return *database_; }
    engine::Database* operator->() const { return database_.get(); }

   private:
    const Store& store_;
    std::unique_ptr<engine::Database> database_;
  };

  const PageTokens& page_tokens() const { return *page_tokens_; }
  Time now() const { return options_.clock(); }

 private:
  const engine::RunLock lock_;
  const std::filesystem::path file_;
  const StoreOptions options_;
  std::unique_ptr<PageTokens> page_tokens_;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<engine::Database>> idle_;
  std::vector<std::function<void(bool)>> hooks_;
  std::unique_ptr<GroupCommit> writer_;
};

template <typename T>
void Store::change(RecordedRequest request, std::size_t bytes,
                   std::function<T(engine::Database&)> change, ResponseText<T> text,
                   Callback<T> done) {
  auto result = std::make_shared<T>();
  auto work = [this, request = std::move(request), change = std::move(change), text,
               result](engine::Database& database) {
    if (const auto response = find_response(database, request)) {
      *result = text.decode(*response);
      return;
    }
    *result = change(database);
    if (!request.id.empty()) record_response(database, request, text.encode(*result), now());
  };
  submit(
      std::move(work),
      [done = std::move(done), result](std::exception_ptr failure) {
        done(failure ? Outcome<T>(failure) : Outcome<T>(std::move(*result)));
      },
      bytes);
}

}  // namespace hwnas::service
