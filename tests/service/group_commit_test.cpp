#include "service/group_commit.hpp"

#include <gmock/gmock.h>

#include <future>
#include <memory>

#include "service/outcome.hpp"
#include "tests/core/temporary_folder.hpp"

namespace hwnas::service {
namespace {

using engine::Database;
using testing::ElementsAre;

Database new_database(const TemporaryFolder& folder) {
  Database database(folder / "a.db", Database::Access::kReadWrite);
  database.execute("CREATE TABLE t (i INTEGER UNIQUE)");
  return database;
}

std::vector<std::int64_t> stored(const TemporaryFolder& folder) {
  Database database(folder / "a.db", Database::Access::kReadOnly);
  engine::Statement rows = database.query("SELECT i FROM t ORDER BY rowid");
  std::vector<std::int64_t> values;
  while (rows.next()) values.push_back(rows.integer(0));
  return values;
}

/// Keeps the committing thread busy until told, so that what is submitted meanwhile is one batch.
class Gate {
 public:
  explicit Gate(GroupCommit& writer) {
    const auto closed = std::make_shared<std::promise<void>>();
    std::future<void> is_closed = closed->get_future();
    writer.submit(
        [closed, opened = opened_.get_future().share()](Database&) {
          closed->set_value();
          opened.wait();
        },
        [](std::exception_ptr) {}, 0);
    is_closed.wait();
  }
  void open() { opened_.set_value(); }

 private:
  std::promise<void> opened_;
};

GroupCommit::Work insert(int value) {
  return [value](Database& database) { database.run("INSERT INTO t VALUES (?1)", value); };
}

TEST(GroupCommit, CommitsWhatArrivesTogetherAtOnceAndInOrder) {
  const TemporaryFolder folder;
  int commits = 0;
  std::vector<int> done;
  {
    GroupCommitOptions options;
    options.after_commit = [&](bool committed) { commits += committed; };
    GroupCommit writer(new_database(folder), options);
    Gate gate(writer);
    for (int i = 0; i < 100; ++i) {
      writer.submit(
          insert(i), [&, i](std::exception_ptr) { done.push_back(i); }, 0);
    }
    gate.open();
  }
  EXPECT_EQ(commits, 2);  // the gate's and one for all
  EXPECT_EQ(stored(folder).size(), 100u);
  EXPECT_TRUE(std::ranges::is_sorted(done));
  EXPECT_EQ(done.size(), 100u);
}

TEST(GroupCommit, AcknowledgesOnlyWhatOthersCanRead) {
  const TemporaryFolder folder;
  GroupCommit writer(new_database(folder), {});
  for (int i = 0; i < 5; ++i) {
    std::promise<std::vector<std::int64_t>> seen;
    writer.submit(
        insert(i), [&](std::exception_ptr) { seen.set_value(stored(folder)); }, 0);
    EXPECT_EQ(seen.get_future().get().size(), std::size_t(i) + 1);
  }
}

TEST(GroupCommit, UndoesAloneWhatIsRefusedOrBreaksAConstraint) {
  const TemporaryFolder folder;
  std::vector<bool> refused;
  {
    GroupCommit writer(new_database(folder), {});
    Gate gate(writer);
    const auto note = [&](std::exception_ptr failure) { refused.push_back(failure != nullptr); };
    writer.submit(insert(1), note, 0);
    writer.submit(
        [](Database& database) {
          insert(2)(database);
          throw Refusal(ErrorCode::kNotFound, "a change of mind");
        },
        note, 0);
    writer.submit(
        [](Database& database) {
          insert(3)(database);
          insert(1)(database);
        },
        note, 0);
    writer.submit(insert(4), note, 0);
    gate.open();
  }
  EXPECT_THAT(stored(folder), ElementsAre(1, 4));
  EXPECT_THAT(refused, ElementsAre(false, true, true, false));
}

TEST(GroupCommit, TurnsAwayWhatIsTooMuch) {
  const TemporaryFolder folder;
  std::vector<std::exception_ptr> failures;
  {
    GroupCommitOptions options;
    options.max_waiting = 2;
    GroupCommit writer(new_database(folder), options);
    Gate gate(writer);
    for (int i = 0; i < 3; ++i) {
      writer.submit(
          insert(i),
          [&](std::exception_ptr failure) {
            if (failure) failures.push_back(failure);
          },
          0);
    }
    gate.open();
  }
  EXPECT_EQ(stored(folder).size(), 2u);
  ASSERT_EQ(failures.size(), 1u);
  try {
    std::rethrow_exception(failures[0]);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
  }
}

TEST(GroupCommit, KeepsItsLogShort) {
  const TemporaryFolder folder;
  GroupCommit writer(new_database(folder), {});
  const std::string text(100'000, 'x');
  for (int i = 0; i < 200; ++i) {
    std::promise<void> done;
    writer.submit(
        [&](Database& database) {
          database.execute("CREATE TABLE IF NOT EXISTS s (text TEXT)");
          database.run("INSERT INTO s VALUES (?1)", text);
        },
        [&](std::exception_ptr) { done.set_value(); }, text.size());
    done.get_future().wait();
  }
  EXPECT_LT(std::filesystem::file_size(folder / "a.db-wal"), std::uintmax_t{10'000'000});
}

}  // namespace
}  // namespace hwnas::service
