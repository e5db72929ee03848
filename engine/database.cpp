#include "engine/database.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <new>
#include <vector>

#include "core/error.hpp"

namespace hwnas::engine {
namespace {

/// Also where SQLite takes it for a failure of the disk: a quota or a limit of the file's size, no
/// room for a new file or for the index of the log. After a failed sync nothing is known of the
/// file, whatever the system's reason; and a read leaves the reason of something before it.
bool is_out_of_space(sqlite3* connection, int code) {
  if ((code & 0xff) == SQLITE_FULL) return true;
  if ((code & 0xff) != SQLITE_IOERR && (code & 0xff) != SQLITE_CANTOPEN) return false;
  if (code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC) return false;
  if (code == SQLITE_IOERR_READ || code == SQLITE_IOERR_SHORT_READ) return false;
  const int reason = sqlite3_system_errno(connection);
  return reason == ENOSPC || reason == EDQUOT || reason == EFBIG;
}

[[noreturn]] void fail(sqlite3* connection, int code) {
  const char* name = sqlite3_db_filename(connection, "main");
  const std::string file = name != nullptr ? name : "database";
  const std::string reason = sqlite3_errmsg(connection);
  if (is_out_of_space(connection, code)) {
    throw error(ErrorCode::kResourceExhausted,
                "{}: the disk is full; make room, then resume: nothing acknowledged is lost", file);
  }
  switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      throw error(ErrorCode::kFailedPrecondition,
                  "{}: the file is damaged ({}); restore it from a copy or start a new run", file,
                  reason);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      throw error(ErrorCode::kFailedPrecondition, "{}: in use by another process ({})", file,
                  reason);
    case SQLITE_IOERR:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
      throw error(ErrorCode::kUnavailable,
                  "{}: cannot be read or written ({}); check the disk and the permissions, then "
                  "resume",
                  file, reason);
    default:
      throw error(ErrorCode::kInternal, "{}: {}", file, reason);
  }
}

void check(sqlite3* connection, int code) {
  if (code != SQLITE_OK) fail(connection, code);
}

std::string_view text_of(sqlite3_stmt* statement) {
  return sqlite3_sql(statement);
}

std::string immutable_uri(const std::filesystem::path& file) {
  std::string uri = "file:";
  for (const char c : file.string()) {
    const bool special = c == '%' || c == '?' || c == '#';
    uri += special ? fmt::format("%{:02X}", c) : std::string(1, c);
  }
  return uri + "?immutable=1";
}

}  // namespace

class Connection {
 public:
  explicit Connection(sqlite3* handle) : handle_(handle) { idle_.reserve(kMaxIdle); }
  ~Connection() {
    for (sqlite3_stmt* statement : idle_) sqlite3_finalize(statement);
    sqlite3_close(handle_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  sqlite3* handle() const { return handle_; }

  sqlite3_stmt* take(std::string_view sql) {
    const auto kept = std::ranges::find(idle_, sql, text_of);
    if (kept != idle_.end()) {
      sqlite3_stmt* statement = *kept;
      idle_.erase(kept);
      return statement;
    }
    sqlite3_stmt* statement = nullptr;
    check(handle_, sqlite3_prepare_v2(handle_, sql.data(), static_cast<int>(sql.size()), &statement,
                                      nullptr));
    return statement;
  }
  void give_back(sqlite3_stmt* statement) noexcept {
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    if (idle_.size() == kMaxIdle) {
      sqlite3_finalize(idle_.back());
      idle_.pop_back();
    }
    idle_.insert(idle_.begin(), statement);  // has room: see the constructor
  }

 private:
  static constexpr std::size_t kMaxIdle = 32;

  sqlite3* handle_;
  std::vector<sqlite3_stmt*> idle_;  // the last one used first
};

void Statement::GiveBack::operator()(sqlite3_stmt* statement) const noexcept {
  connection->give_back(statement);
}

void Statement::bind_integer(int index, std::int64_t value) {
  check(sqlite3_db_handle(statement_.get()), sqlite3_bind_int64(statement_.get(), index, value));
}

void Statement::bind_at(int index, double value) {
  check(sqlite3_db_handle(statement_.get()), sqlite3_bind_double(statement_.get(), index, value));
}

void Statement::bind_at(int index, std::string_view value) {
  check(sqlite3_db_handle(statement_.get()),
        sqlite3_bind_text64(statement_.get(), index, value.data(), value.size(), SQLITE_TRANSIENT,
                            SQLITE_UTF8));
}

bool Statement::next() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) fail(sqlite3_db_handle(statement_.get()), code);
  return false;
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

double Statement::real(int column) const {
  if (is_null(column)) return std::numeric_limits<double>::quiet_NaN();
  return sqlite3_column_double(statement_.get(), column);
}

std::string Statement::text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  return text == nullptr
             ? std::string()
             : std::string(
                   text, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column)));
}

Database::Database(const std::filesystem::path& file, Access access) {
  const int mode = access == Access::kReadWrite ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
                                                : SQLITE_OPEN_READONLY;
  const std::string name = access == Access::kImmutable ? immutable_uri(file) : file.string();
  const int uri = access == Access::kImmutable ? SQLITE_OPEN_URI : 0;
  sqlite3* connection = nullptr;
  const int code = sqlite3_open_v2(
      name.c_str(), &connection, mode | uri | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  if (connection == nullptr) throw std::bad_alloc();
  connection_ = std::make_unique<Connection>(connection);
  if (code != SQLITE_OK) fail(connection, code);
  sqlite3_busy_timeout(connection, 5000);
  if (access == Access::kReadWrite) {
    // Unless a caller breaks the rule of one writing connection, SQLite's WAL-reset bug (before
    // 3.51.3, two connections that write and checkpoint at once) cannot strike.
    query("PRAGMA journal_mode = WAL").next();
    execute("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON");
  } else {
    execute("PRAGMA query_only = ON");
  }
}

Database::~Database() = default;
Database::Database(Database&&) noexcept = default;
Database& Database::operator=(Database&&) noexcept = default;

void Database::execute(const std::string& sql) {
  sqlite3* const handle = connection_->handle();
  check(handle, sqlite3_exec(handle, sql.c_str(), nullptr, nullptr, nullptr));
}

Statement Database::prepare(std::string_view sql) {
  return {connection_->take(sql), *connection_};
}

Transaction::Transaction(Database& database) : database_(database) {
  database_.run("BEGIN IMMEDIATE");
}

Transaction::~Transaction() {
  if (!open_) return;
  try {
    database_.run("ROLLBACK");
  } catch (const Error&) {
    // After a full disk SQLite has rolled back by itself, and says so.
  }
}

void Transaction::commit() {
  database_.run("COMMIT");
  open_ = false;
}

}  // namespace hwnas::engine
