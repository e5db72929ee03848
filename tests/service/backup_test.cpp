#include "service/backup.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <atomic>
#include <fstream>
#include <mutex>
#include <thread>

#include "core/file.hpp"
#include "core/sha256.hpp"
#include "engine/store.hpp"
#include "service/schema.hpp"
#include "tests/core/temporary_folder.hpp"
#include "tests/service/sample_jobs.hpp"

namespace hwnas::service {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// A run with one artifact, in the place of a job's.
fs::path write_run(const fs::path& data, std::int64_t uid) {
  const fs::path folder = data / "jobs" / std::to_string(uid) / "run";
  fs::create_directories(folder);
  engine::Store run = engine::Store::create(folder, {.experiment = "version: 1\n"});
  write_file_atomically(folder / "model.onnx", "bytes");
  run.set_artifacts(
      {{.format = "onnx", .file = "model.onnx", .sha256 = sha256("bytes"), .bytes = 5}});
  return folder;
}

void succeed(JobStore& jobs, std::int64_t uid) {
  change(jobs, uid, {.to = JobState::kRunning});
  change(jobs, uid, {.to = JobState::kSucceeded});
}

class BackupTest : public testing::Test {
 protected:
  const TemporaryFolder folder_;
  const fs::path data_ = folder_ / "data";
  const fs::path backup_ = folder_ / "backup";
  const fs::path restored_ = folder_ / "restored";
};

TEST_F(BackupTest, UnderFourClientsItHoldsEveryJobAcknowledgedBeforeItBegan) {
  SampleJobStore live(data_);
  std::atomic<bool> done = false;
  std::mutex mutex;
  std::vector<std::string> acknowledged;
  std::vector<std::thread> clients;
  for (int client = 0; client < 4; ++client) {
    clients.emplace_back([&, client] {
      for (int i = 0; !done; ++i) {
        const JobRecord job = create(live, new_job(fmt::format("job-{}-{}", client, i)));
        const std::lock_guard lock(mutex);
        acknowledged.push_back(job.name.id);
      }
    });
  }
  const auto count = [&] {
    const std::lock_guard lock(mutex);
    return acknowledged.size();
  };
  while (count() < 100) std::this_thread::yield();
  const std::vector<std::string> before = [&] {
    const std::lock_guard lock(mutex);
    return acknowledged;
  }();
  const BackupSummary summary = make_backup(data_, backup_);
  const std::size_t after = count();
  while (count() < after + 20) std::this_thread::yield();  // the daemon goes on
  done = true;
  for (std::thread& client : clients) client.join();

  EXPECT_THAT(check_data(backup_), IsEmpty());
  restore_backup(backup_, restored_);
  EXPECT_THAT(check_data(restored_), IsEmpty());
  SampleJobStore store(restored_);
  EXPECT_EQ(store.read().unfinished().size(), static_cast<std::size_t>(summary.jobs));
  for (const std::string& id : before) {
    EXPECT_EQ(store.read().job(job_name(id)).specification, "name: " + id + "\n");
  }
  EXPECT_EQ(create(store, new_job("new")).state, JobState::kQueued);
}

TEST_F(BackupTest, TokensAndRequestsHoldInWhatIsRestored) {
  std::string token;
  std::int64_t uid = 0;
  {
    SampleJobStore live(data_);
    for (const char* id : {"a", "b"}) create(live, new_job(id));
    uid = create(live, new_job("c"), {"request", "print"}).uid;
    token = live.read().list({.tenant = "acme", .page_size = 1}).next_page_token;
    make_backup(data_, backup_);
  }
  restore_backup(backup_, restored_);
  SampleJobStore store(restored_);
  EXPECT_EQ(create(store, new_job("c"), {"request", "print"}).uid, uid);
  EXPECT_EQ(store.read().list({.tenant = "acme", .page_token = token}).jobs.size(), 2u);
}

TEST_F(BackupTest, RunsAreCopiedWhileTheyAreWritten) {
  SampleJobStore live(data_);
  const std::int64_t uid = create(live, new_job("a")).uid;
  const fs::path run = write_run(data_, uid);
  engine::Store writer = engine::Store::open(run);
  writer.set_failure("going on");
  succeed(live, uid);
  std::ofstream(run / "later.partial") << "half";
  make_backup(data_, backup_);
  EXPECT_THAT(check_data(backup_), IsEmpty());
  const fs::path copied = backup_ / "jobs" / std::to_string(uid) / "run";
  EXPECT_EQ(engine::StoreReader(copied).run().failure, "going on");
  EXPECT_FALSE(fs::exists(copied / "later.partial"));
  EXPECT_FALSE(fs::exists(copied / "run.db-wal"));
}

TEST_F(BackupTest, OthersThanItsOwnerCannotReadIt) {
  {
    SampleJobStore live(data_);
    make_backup(data_, backup_);
  }
  EXPECT_EQ(fs::status(backup_).permissions(), fs::perms::owner_all);
  EXPECT_EQ(fs::status(backup_ / kStoreFile).permissions(),
            fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(BackupTest, NothingIsOverwritten) {
  { SampleJobStore live(data_); }
  make_backup(data_, backup_);
  EXPECT_EQ(failure_of([&] { make_backup(data_, backup_); }).code, ErrorCode::kAlreadyExists);
  const Failure full = failure_of([&] { restore_backup(backup_, data_); });
  EXPECT_EQ(full.code, ErrorCode::kAlreadyExists);
  EXPECT_THAT(full.message, HasSubstr("is not empty"));
  EXPECT_EQ(failure_of([&] { make_backup(folder_ / "none", restored_); }).code,
            ErrorCode::kNotFound);
  EXPECT_EQ(failure_of([&] { restore_backup(data_, restored_); }).code, ErrorCode::kNotFound);
}

TEST_F(BackupTest, ItsFolderLiesElsewhere) {
  { SampleJobStore live(data_); }
  const Failure inside = failure_of([&] { make_backup(data_, data_ / "backups" / "today"); });
  EXPECT_EQ(inside.code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(inside.message, HasSubstr("give a folder elsewhere"));
  make_backup(data_, backup_ / "");
  EXPECT_THAT(check_data(backup_), IsEmpty());
}

TEST_F(BackupTest, ADamagedBackupIsNotRestored) {
  {
    SampleJobStore live(data_);
    write_run(data_, create(live, new_job("a")).uid);
  }
  make_backup(data_, backup_);
  const fs::path file = backup_ / "jobs/1/run/model.onnx";
  std::ofstream(file) << "other";
  EXPECT_THAT(check_data(backup_),
              ElementsAre(HasSubstr("model.onnx: is not what was written when the backup"),
                          HasSubstr("tenants/acme/searchJobs/a: model.onnx is not what")));
  EXPECT_EQ(failure_of([&] { restore_backup(backup_, restored_); }).code,
            ErrorCode::kFailedPrecondition);
  EXPECT_FALSE(fs::exists(restored_));
  fs::remove(file);
  EXPECT_THAT(failure_of([&] { restore_backup(backup_, restored_); }).message,
              HasSubstr("model.onnx: is missing"));
}

TEST_F(BackupTest, AListingThatLeadsOutOfTheBackupIsRefused) {
  { SampleJobStore live(data_); }
  make_backup(data_, backup_);
  const fs::path outside = folder_.write("secret", "s");
  write_file_atomically(
      backup_ / "backup.json",
      fmt::format(R"({{"version": 1, "files": {{"../secret": {{"bytes": 1, "sha256": "{}"}}}}}})",
                  sha256("s")));
  EXPECT_THAT(failure_of([&] { restore_backup(backup_, restored_); }).message,
              HasSubstr("../secret: is missing"));
}

TEST_F(BackupTest, ACheckFindsWhatDoesNotFitTogether) {
  {
    SampleJobStore live(data_);
    for (const char* id : {"a", "b", "c", "d"}) create(live, new_job(id));
    succeed(live, 4);
  }
  EXPECT_THAT(check_data(data_),
              ElementsAre("tenants/acme/searchJobs/d: has succeeded, but its files are missing"));
  engine::Database database(data_ / kStoreFile, engine::Database::Access::kReadWrite);
  database.execute(
      "DELETE FROM specification WHERE uid = 1; DELETE FROM event WHERE uid = 2;"
      "UPDATE job SET state = 'RUNNING' WHERE uid = 3; DELETE FROM job WHERE uid = 4");
  EXPECT_THAT(check_data(data_),
              testing::IsSupersetOf({HasSubstr("searchJobs/a has no specification"),
                                     HasSubstr("searchJobs/b has no event of its revision"),
                                     HasSubstr("searchJobs/c: is RUNNING, but its last event says"),
                                     HasSubstr("is of no job")}));
}

TEST_F(BackupTest, ACheckLooksIntoEveryPage) {
  {
    SampleJobStore live(data_);
    for (int i = 0; i < 100; ++i) create(live, new_job(fmt::format("job-{}", i)));
  }
  // Otherwise the log may hold the page that is damaged below.
  engine::Database(data_ / kStoreFile, engine::Database::Access::kReadWrite)
      .query("PRAGMA wal_checkpoint(TRUNCATE)")
      .next();
  std::fstream file(data_ / kStoreFile, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(-4096, std::ios::end);
  file << std::string(4096, '\x5a');
  file.close();
  EXPECT_THAT(check_data(data_), testing::Contains(HasSubstr(kStoreFile)));
}

}  // namespace
}  // namespace hwnas::service
