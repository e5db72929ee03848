#pragma once

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace hwnas::engine {

/// An open file and the statements that wait to be used again: to prepare one takes longer than to
/// run it.
class Connection;

/// One SQL statement with its parameters. Values are read by column, counted from 0. Not
/// thread-safe; the database outlives it. Every call throws what Database throws.
class Statement {
 public:
  /// Binds `values` to the parameters ?1, ?2, … in order.
  template <typename... Values>
  Statement& bind(const Values&... values) {
    int index = 0;
    (bind_at(++index, values), ...);
    return *this;
  }
  /// Moves on to the next row; false after the last one.
  bool next();

  bool is_null(int column) const;
  std::int64_t integer(int column) const;
  /// NULL reads as NaN: SQLite has no NaN and stores NULL for it.
  double real(int column) const;
  std::string text(int column) const;

 private:
  friend class Database;
  struct GiveBack {
    Connection* connection;
    void operator()(sqlite3_stmt* statement) const noexcept;
  };
  Statement(sqlite3_stmt* statement, Connection& connection)
      : statement_(statement, GiveBack{&connection}) {}

  void bind_at(int index, std::integral auto value) { bind_integer(index, std::int64_t(value)); }
  void bind_at(int index, double value);
  void bind_at(int index, std::string_view value);
  void bind_integer(int index, std::int64_t value);

  std::unique_ptr<sqlite3_stmt, GiveBack> statement_;
};

/// A connection to one SQLite file. For one thread at a time. Errors name the file and what to do:
/// ResourceExhausted when the disk is full, FailedPrecondition when the file is damaged or locked,
/// Unavailable when the disk fails.
class Database {
 public:
  enum class Access { kImmutable, kReadOnly, kReadWrite };
  /// kReadWrite creates the file if there is none, and sets write-ahead logging with a sync at
  /// every commit: what is committed survives a loss of power. kImmutable is for a file that nobody
  /// writes and that was closed properly: it needs no right to write beside it, as kReadOnly does.
  Database(const std::filesystem::path& file, Access access);
  ~Database();
  Database(Database&&) noexcept;
  Database& operator=(Database&&) noexcept;

  /// Runs statements separated by semicolons that give no rows.
  void execute(const std::string& sql);
  /// A statement whose parameters are bound to `values`.
  template <typename... Values>
  Statement query(std::string_view sql, const Values&... values) {
    Statement statement = prepare(sql);
    statement.bind(values...);
    return statement;
  }
  /// Runs one statement that gives no rows.
  template <typename... Values>
  void run(std::string_view sql, const Values&... values) {
    query(sql, values...).next();
  }

 private:
  Statement prepare(std::string_view sql);

  std::unique_ptr<Connection> connection_;
};

/// Everything written between construction and commit() is kept together or not at all. Without
/// commit() the destructor undoes it.
class Transaction {
 public:
  explicit Transaction(Database& database);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  /// Returns when the disk has it.
  void commit();

 private:
  Database& database_;
  bool open_ = true;
};

}  // namespace hwnas::engine
