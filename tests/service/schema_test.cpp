#include "service/schema.hpp"

#include <gmock/gmock.h>

#include "tests/core/temporary_folder.hpp"
#include "tests/service/sample_jobs.hpp"

namespace hwnas::service {
namespace {

using engine::Database;
using engine::Statement;
using testing::HasSubstr;

constexpr const char* kSteps[] = {
    "CREATE TABLE t (i INTEGER); INSERT INTO t VALUES (7);",
    "ALTER TABLE t ADD COLUMN j INTEGER NOT NULL DEFAULT 0; UPDATE t SET j = i + 1;",
    "CREATE TABLE u (k INTEGER); INSERT INTO u SELECT j + 1 FROM t;",
};

std::span<const char* const> steps(std::size_t count) {
  return std::span(kSteps).first(count);
}

std::int64_t value(Database& database, const std::string& sql) {
  Statement row = database.query(sql);
  row.next();
  return row.integer(0);
}

TEST(Migration, BringsAnOldFileForwardAndKeepsACopyOfIt) {
  const TemporaryFolder folder;
  const auto file = folder / "a.db";
  {
    Database database(file, Database::Access::kReadWrite);
    migrate(database, file, steps(1));
    EXPECT_FALSE(std::filesystem::exists(folder / "a.db.v0"));
  }
  Database database(file, Database::Access::kReadWrite);
  migrate(database, file, steps(3));
  EXPECT_EQ(value(database, "SELECT k FROM u"), 9);
  EXPECT_EQ(value(database, "PRAGMA user_version"), 3);
  Database copy(folder / "a.db.v1", Database::Access::kImmutable);
  EXPECT_EQ(value(copy, "SELECT i FROM t"), 7);
  EXPECT_EQ(value(copy, "PRAGMA user_version"), 1);
}

TEST(Migration, ThatWasBrokenOffGoesOnWhereItWas) {
  const TemporaryFolder folder;
  const auto file = folder / "a.db";
  const char* broken[] = {kSteps[0], kSteps[1], "CREATE TABLE u (k INTEGER); nonsense;"};
  Database database(file, Database::Access::kReadWrite);
  migrate(database, file, steps(1));
  folder.write("a.db.v1.partial", "half of a copy");
  EXPECT_THROW(migrate(database, file, broken), Error);
  EXPECT_EQ(value(database, "PRAGMA user_version"), 2);
  EXPECT_EQ(value(database, "SELECT count(*) FROM sqlite_master WHERE name = 'u'"), 0);
  migrate(database, file, steps(3));
  EXPECT_EQ(value(database, "SELECT k FROM u"), 9);
}

TEST(Migration, RefusesAFileOfANewerProgram) {
  const TemporaryFolder folder;
  const auto file = folder / "a.db";
  Database database(file, Database::Access::kReadWrite);
  migrate(database, file, steps(3));
  const Failure failure = failure_of([&] { migrate(database, file, steps(2)); });
  EXPECT_EQ(failure.code, ErrorCode::kFailedPrecondition);
  EXPECT_THAT(failure.message, HasSubstr("newer hwnasd"));
}

}  // namespace
}  // namespace hwnas::service
