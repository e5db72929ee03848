#include "engine/database.hpp"

#include <gmock/gmock.h>

#include <cmath>

#include "core/error.hpp"
#include "tests/core/temporary_folder.hpp"

namespace hwnas::engine {
namespace {

using testing::HasSubstr;

std::int64_t count(Database& database) {
  Statement rows = database.query("SELECT count(*) FROM t");
  rows.next();
  return rows.integer(0);
}

TEST(Database, GivesBackWhatWasBound) {
  const TemporaryFolder folder;
  Database database(folder / "a.db", Database::Access::kReadWrite);
  database.execute("CREATE TABLE t (i INTEGER, r REAL, s TEXT)");
  database.run("INSERT INTO t VALUES (?1, ?2, ?3)", std::int64_t{1} << 62, 0.1, "it's \"é\"");
  Statement row = database.query("SELECT i, r, s FROM t");
  ASSERT_TRUE(row.next());
  EXPECT_EQ(row.integer(0), std::int64_t{1} << 62);
  EXPECT_EQ(row.real(1), 0.1);
  EXPECT_EQ(row.text(2), "it's \"é\"");
  EXPECT_FALSE(row.next());
}

TEST(Database, ReadsNotANumberBack) {
  const TemporaryFolder folder;
  Database database(folder / "a.db", Database::Access::kReadWrite);
  database.execute("CREATE TABLE t (r REAL)");
  database.run("INSERT INTO t VALUES (?1)", std::nan(""));
  Statement row = database.query("SELECT r FROM t");
  ASSERT_TRUE(row.next());
  EXPECT_TRUE(std::isnan(row.real(0)));
}

TEST(Database, UndoesATransactionThatWasNotCommitted) {
  const TemporaryFolder folder;
  Database database(folder / "a.db", Database::Access::kReadWrite);
  database.execute("CREATE TABLE t (i INTEGER)");
  {
    Transaction transaction(database);
    database.run("INSERT INTO t VALUES (?1)", 1);
  }
  EXPECT_EQ(count(database), 0);
  Transaction transaction(database);
  database.run("INSERT INTO t VALUES (?1)", 2);
  transaction.commit();
  EXPECT_EQ(count(database), 1);
}

TEST(Database, SaysThatTheDiskIsFullAndKeepsWhatWasCommitted) {
  const TemporaryFolder folder;
  Database database(folder / "a.db", Database::Access::kReadWrite);
  database.execute("CREATE TABLE t (s TEXT)");
  database.run("INSERT INTO t VALUES (?1)", "kept");
  database.query("PRAGMA max_page_count = 4").next();
  try {
    Transaction transaction(database);
    database.run("INSERT INTO t VALUES (?1)", std::string(100'000, 'x'));
    transaction.commit();
    FAIL() << "the transaction fitted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kResourceExhausted);
    EXPECT_THAT(error.what(), HasSubstr("a.db: the disk is full"));
  }
  EXPECT_EQ(count(database), 1);
}

TEST(Database, NamesAFileThatIsNoDatabase) {
  const TemporaryFolder folder;
  const auto file = folder.write("a.db", std::string(4096, 'x'));
  try {
    Database database(file, Database::Access::kReadWrite);
    FAIL() << "opened";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kFailedPrecondition);
    EXPECT_THAT(error.what(), HasSubstr("a.db: the file is damaged"));
  }
}

TEST(Database, RefusesToWriteThroughAReadingConnection) {
  const TemporaryFolder folder;
  Database writer(folder / "a.db", Database::Access::kReadWrite);
  writer.execute("CREATE TABLE t (i INTEGER)");
  Database reader(folder / "a.db", Database::Access::kReadOnly);
  EXPECT_THROW(reader.run("INSERT INTO t VALUES (1)"), Error);
  EXPECT_EQ(count(reader), 0);
}

}  // namespace
}  // namespace hwnas::engine
