#include "service/group_commit.hpp"

#include "service/outcome.hpp"

namespace hwnas::service {
namespace {

using engine::Database;
using engine::Transaction;

// A transaction of many pages needs more of the index of the write-ahead log, whose growth fails
// in its own ways when the disk is full.
constexpr std::size_t kMaxBatch = 512;
constexpr std::size_t kMaxBatchBytes = std::size_t{4} << 20;
// Beside what they write, of rows and of the pages that every transaction changes.
constexpr std::size_t kBytesOfItem = 1024;
constexpr std::size_t kBytesOfCommit = 32'768;
constexpr std::size_t kCheckpointBytes = std::size_t{4} << 20;

std::exception_ptr stopped_error() {
  return std::make_exception_ptr(
      error(ErrorCode::kUnavailable,
            "the store has stopped after an error of its disk; try again when the daemon has been "
            "started again"));
}

}  // namespace

GroupCommit::GroupCommit(Database database, GroupCommitOptions options)
    : database_(std::move(database)), options_(std::move(options)) {
  // SQLite's own checkpoints hide their errors.
  database_.query("PRAGMA wal_autocheckpoint = 0").next();
  // What undoes a single piece of work would be a file elsewhere, on a disk that may be full.
  database_.execute("PRAGMA temp_store = MEMORY");
  thread_ = std::thread([this] { serve(); });
}

GroupCommit::~GroupCommit() {
  close();
}

void GroupCommit::close() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  arrived_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void GroupCommit::submit(Work work, Done done, std::size_t bytes) {
  std::exception_ptr refusal;
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) {
      refusal = stopped_error();
    } else if (closing_) {
      refusal = std::make_exception_ptr(
          error(ErrorCode::kUnavailable, "the daemon is ending; try again when it is back"));
    } else if (waiting_.size() >= options_.max_waiting) {
      refusal = std::make_exception_ptr(error(
          ErrorCode::kUnavailable, "{} changes wait to be stored; try again", waiting_.size()));
    } else {
      waiting_.push_back({std::move(work), std::move(done), bytes + kBytesOfItem});
    }
  }
  if (refusal) {
    done(refusal);
  } else {
    arrived_.notify_one();
  }
}

void GroupCommit::serve() {
  for (Batch batch = next_batch(); !batch.empty(); batch = next_batch()) {
    try {
      commit(batch);
    } catch (const Error& failure) {
      if (failure.code() == ErrorCode::kResourceExhausted) {
        fail(batch, std::current_exception());
        bytes_since_checkpoint_ = kCheckpointBytes;  // a checkpoint makes room in the log
      } else {
        stop(batch, failure);
      }
    } catch (const std::exception& failure) {
      stop(batch, error(ErrorCode::kInternal, "the store cannot go on: {}", failure.what()));
    }
  }
}

GroupCommit::Batch GroupCommit::next_batch() {
  std::unique_lock lock(mutex_);
  arrived_.wait(lock, [&] { return closing_ || !waiting_.empty(); });
  Batch batch;
  std::size_t bytes = 0;
  while (!waiting_.empty() && batch.size() < kMaxBatch) {
    bytes += waiting_.front().bytes;
    if (!batch.empty() && bytes > kMaxBatchBytes) break;
    batch.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  return batch;
}

void GroupCommit::commit(Batch& batch) {
  if (bytes_since_checkpoint_ >= kCheckpointBytes) checkpoint();
  const auto begun = std::chrono::steady_clock::now();
  {
    Transaction transaction(database_);
    for (Item& item : batch) apply(item);
    transaction.commit();
  }
  bytes_since_checkpoint_ += kBytesOfCommit;
  for (const Item& item : batch) bytes_since_checkpoint_ += item.bytes;
  if (options_.on_commit) options_.on_commit(std::chrono::steady_clock::now() - begun);
  if (options_.after_commit) options_.after_commit(true);
  for (Item& item : batch) item.done(item.refusal);
}

void GroupCommit::apply(Item& item) {
  database_.run("SAVEPOINT item");
  try {
    item.work(database_);
  } catch (const Error& failure) {
    // A defect in one piece of work (a broken constraint) must not end the others.
    const bool alone =
        dynamic_cast<const Refusal*>(&failure) != nullptr || failure.code() == ErrorCode::kInternal;
    if (!alone) throw;
    item.refusal = std::current_exception();
    database_.run("ROLLBACK TO item");
  }
  database_.run("RELEASE item");
}

void GroupCommit::checkpoint() {
  try {
    database_.query("PRAGMA wal_checkpoint(PASSIVE)").next();
    bytes_since_checkpoint_ = 0;
  } catch (const Error& failure) {
    // All of it stays in the log, and is tried again after the next commit.
    if (failure.code() != ErrorCode::kResourceExhausted) throw;
  }
}

void GroupCommit::stop(Batch& batch, const Error& failure) {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;  // from now on nothing comes in, so this happens once
    for (Item& item : waiting_) batch.push_back(std::move(item));
    waiting_.clear();
  }
  if (options_.on_fatal) options_.on_fatal(failure);
  fail(batch, stopped_error());
}

void GroupCommit::fail(Batch& batch, std::exception_ptr failure) {
  if (options_.after_commit) options_.after_commit(false);
  for (Item& item : batch) item.done(failure);
}

}  // namespace hwnas::service
