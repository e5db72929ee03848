#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/error.hpp"
#include "engine/database.hpp"

namespace hwnas::service {

struct GroupCommitOptions {
  std::size_t max_waiting = 10'000;  ///< pieces of work that may wait; more are Unavailable
  /// After each COMMIT, before the callbacks of what it holds; and after each that failed.
  std::function<void(bool committed)> after_commit = {};
  /// How long each transaction that was committed took, with its sync; before after_commit.
  std::function<void(std::chrono::duration<double>)> on_commit = {};
  /// Once, when the disk or the file has failed: what is acknowledged is safe, what comes after
  /// could not be. The process should end at once and be started again, which recovers the file.
  std::function<void(const Error&)> on_fatal = {};
};

/// One thread with the only writing connection to a SQLite file. What many threads hand in while
/// the disk is busy becomes one transaction with one sync (group commit, DeWitt et al. 1984).
/// It also checkpoints, and nobody else does: two connections that write and checkpoint at once
/// can lose data in SQLite before 3.51.3. All methods are thread-safe.
///
/// Full disk: all of the transaction ends with ResourceExhausted and is undone; the next one is
/// tried afresh. Any other error of the disk or the file: everything in hand ends with Unavailable,
/// as does all that follows, and on_fatal is called. The kernel may report a failed sync once only
/// and drop what it could not write, so a second try would prove nothing. What ended so may yet
/// have been written.
class GroupCommit {
 public:
  /// Runs in the transaction. It throws Refusal to be undone alone.
  using Work = std::function<void(engine::Database&)>;
  /// Runs after COMMIT, on the committing thread; null: the disk has it.
  using Done = std::function<void(std::exception_ptr)>;

  GroupCommit(engine::Database database, GroupCommitOptions options);
  /// close().
  ~GroupCommit();
  GroupCommit(const GroupCommit&) = delete;
  GroupCommit& operator=(const GroupCommit&) = delete;

  /// Pieces of work of one thread are done in the order of their submission. `bytes`: about what it
  /// writes. Calls `done` at once if the work cannot be taken.
  void submit(Work work, Done done, std::size_t bytes);
  /// Commits what waits; what comes later ends with Unavailable. Not for the committing thread, nor
  /// for two threads at once.
  void close();

 private:
  struct Item {
    Work work;
    Done done;
    std::size_t bytes = 0;
    std::exception_ptr refusal = {};
  };
  using Batch = std::vector<Item>;

  void serve();
  Batch next_batch();
  void commit(Batch& batch);
  void apply(Item& item);
  void checkpoint();
  void stop(Batch& batch, const Error& failure);
  void fail(Batch& batch, std::exception_ptr failure);

  engine::Database database_;
  const GroupCommitOptions options_;
  std::size_t bytes_since_checkpoint_ = 0;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Item> waiting_;
  bool closing_ = false;
  bool stopped_ = false;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace hwnas::service
