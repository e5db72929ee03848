#include "service/store.hpp"

#include <sqlite3.h>

#include "core/error.hpp"
#include "service/schema.hpp"

namespace hwnas::service {
namespace {

namespace fs = std::filesystem;
using engine::Database;
using engine::Statement;

// From here on SQLite is free of the WAL-reset bug (sqlite.org/wal.html).
constexpr int kSoundSqlite = 3'051'003;
constexpr std::size_t kMaxIdleConnections = 8;

Time system_time() {
  return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
}

engine::RunLock lock(const fs::path& folder) {
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed) {
    throw error(ErrorCode::kUnavailable, "{}: cannot make the folder ({})", folder.string(),
                failed.message());
  }
  try {
    return engine::RunLock(folder);
  } catch (const Error& locked) {
    if (locked.code() != ErrorCode::kFailedPrecondition) throw;
    throw error(ErrorCode::kFailedPrecondition,
                "{}: another hwnasd serves this folder; stop it first, or take another folder",
                folder.string());
  }
}

StoreOptions with_clock(StoreOptions options) {
  if (!options.clock) options.clock = system_time;
  return options;
}

std::string page_token_key(Database& database) {
  database.run("INSERT OR IGNORE INTO meta VALUES ('page_token_key', ?1)", random_key());
  Statement row = database.query("SELECT value FROM meta WHERE name = 'page_token_key'");
  row.next();
  return row.text(0);
}

}  // namespace

Store::Store(const fs::path& folder, StoreOptions options)
    : lock_(lock(folder)), file_(folder / kStoreFile), options_(with_clock(std::move(options))) {
  Database database(file_, Database::Access::kReadWrite);
  if (sqlite3_libversion_number() < kSoundSqlite) require_sound(database, file_);
  migrate(database, file_, migrations());
  forget_old_requests(database, now());
  page_tokens_ = std::make_unique<PageTokens>(page_token_key(database));
  GroupCommitOptions commit;
  commit.max_waiting = options_.max_waiting;
  commit.on_fatal = options_.on_fatal;
  commit.on_commit = options_.on_commit;
  commit.after_commit = [this](bool committed) {
    for (const auto& hook : hooks_) hook(committed);
  };
  writer_ = std::make_unique<GroupCommit>(std::move(database), std::move(commit));
}

Store::~Store() {
  close();
  idle_.clear();  // SQLite takes the log into the file when the writing connection closes last
}

void Store::after_commit(std::function<void(bool)> hook) {
  hooks_.push_back(std::move(hook));
}

void Store::close() {
  writer_->close();
}

void Store::submit(GroupCommit::Work work, GroupCommit::Done done, std::size_t bytes) {
  writer_->submit(std::move(work), std::move(done), bytes);
}

Store::Lease::Lease(const Store& store) : store_(store) {
  {
    const std::lock_guard lock(store_.mutex_);
    if (!store_.idle_.empty()) {
      database_ = std::move(store_.idle_.back());
      store_.idle_.pop_back();
    }
  }
  if (!database_) {
    database_ = std::make_unique<Database>(store_.file_, Database::Access::kReadOnly);
  }
}

Store::Lease::~Lease() {
  const std::lock_guard lock(store_.mutex_);
  if (store_.idle_.size() < kMaxIdleConnections) store_.idle_.push_back(std::move(database_));
}

}  // namespace hwnas::service
