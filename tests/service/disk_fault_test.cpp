// What the store does when the disk is full, fails, or gives back less than was written.
#include <gmock/gmock.h>
#include <sys/mount.h>

#include <atomic>
#include <fstream>

#include "service/job_store.hpp"
#include "service/schema.hpp"
#include "tests/core/temporary_folder.hpp"
#include "tests/service/faulty_disk.hpp"
#include "tests/service/sample_jobs.hpp"

namespace hwnas::service {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::UnorderedElementsAreArray;

/// Creates `count` jobs, each by its own request; gives the ids of those acknowledged. What is
/// refused must be refused for want of space.
std::vector<std::string> create_jobs(JobStore& store, int count) {
  std::vector<std::string> acknowledged;
  for (int i = 0; i < count; ++i) {
    const std::string id = "job-" + std::to_string(i);
    try {
      create(store, new_job(id), {"request " + id, ""});
      acknowledged.push_back(id);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kResourceExhausted) << error.what();
      EXPECT_THAT(error.what(), HasSubstr("disk is full"));
    }
  }
  return acknowledged;
}

std::vector<std::string> stored_jobs(const JobStore& store) {
  JobQuery query;
  query.tenant = "acme";
  std::vector<std::string> ids;
  for (const JobRecord& job : list_all(store, query)) ids.push_back(job.name.id);
  return ids;
}

TEST(FullDisk, AtAnyWriteNothingAcknowledgedIsLostAndServiceGoesOnWhenThereIsRoom) {
  constexpr int kJobs = 6;
  int refused = 0;
  bool struck = true;
  for (int writes = 0; struck; ++writes) {
    SCOPED_TRACE(writes);
    const TemporaryFolder folder;
    std::vector<std::string> acknowledged;
    {
      StoreOptions options;
      options.on_fatal = [](const Error& error) { ADD_FAILURE() << error.what(); };
      SampleJobStore store(folder.path(), options);
      {
        const FaultyDisk disk = FaultyDisk::full(writes);
        acknowledged = create_jobs(store, kJobs);
        struck = disk.struck();
      }
      EXPECT_THAT(stored_jobs(store), UnorderedElementsAreArray(acknowledged));
      refused += kJobs - static_cast<int>(acknowledged.size());
      EXPECT_EQ(create_jobs(store, kJobs).size(), std::size_t{kJobs});
    }
    EXPECT_EQ(stored_jobs(SampleJobStore(folder.path())).size(), std::size_t{kJobs});
  }
  EXPECT_GT(refused, kJobs);
}

TEST(FullDisk, AtTheStartIsSaidAndTheNextStartSucceeds) {
  const TemporaryFolder folder;
  int failures = 0;
  bool struck = true;
  for (int writes = 0; struck; ++writes) {
    const auto data = folder / ("data" + std::to_string(writes));
    {
      const FaultyDisk disk = FaultyDisk::full(writes);
      try {
        SampleJobStore store(data);
      } catch (const Error& error) {
        ++failures;
        EXPECT_EQ(error.code(), ErrorCode::kResourceExhausted) << error.what();
      }
      struck = disk.struck();
    }
    SampleJobStore store(data);
    create(store, new_job("a"));
  }
  EXPECT_GT(failures, 3);
}

/// A file system of a few MiB, in memory.
class SmallDisk {
 public:
  explicit SmallDisk(fs::path folder) : folder_(std::move(folder)) {
    fs::create_directories(folder_);
    mounted_ = ::mount("none", folder_.c_str(), "tmpfs", 0, "size=8m") == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(folder_.c_str(), MNT_DETACH);
  }
  bool is_mounted() const { return mounted_; }
  void enlarge() { ::mount("none", folder_.c_str(), "tmpfs", MS_REMOUNT, "size=64m"); }

 private:
  fs::path folder_;
  bool mounted_ = false;
};

TEST(FullDisk, OfARealFileSystemIsSurvivedWithoutARestart) {
  const TemporaryFolder folder;
  SmallDisk disk(folder / "small");
  if (!disk.is_mounted()) GTEST_SKIP() << "file systems cannot be mounted here";
  std::size_t before = 0;
  constexpr int kJobs = 4000;
  {
    SampleJobStore store(folder / "small");
    const auto acknowledged = create_jobs(store, kJobs);
    before = acknowledged.size();
    ASSERT_LT(before, std::size_t{kJobs});
    EXPECT_THAT(stored_jobs(store), UnorderedElementsAreArray(acknowledged));
    disk.enlarge();
    EXPECT_EQ(create_jobs(store, kJobs).size(), std::size_t{kJobs});
  }
  EXPECT_GT(before, 500u);
  EXPECT_EQ(stored_jobs(SampleJobStore(folder / "small")).size(), std::size_t{kJobs});
}

TEST(FailingDisk, AfterAFailedSyncTheStoreStopsAtOnceAndRecoversWhenStartedAgain) {
  for (int syncs = 0; syncs < 3; ++syncs) {
    SCOPED_TRACE(syncs);
    const TemporaryFolder folder;
    std::vector<std::string> acknowledged;
    {
      std::atomic<int> fatal = 0;
      StoreOptions options;
      options.on_fatal = [&](const Error& error) {
        ++fatal;
        EXPECT_THAT(error.what(), HasSubstr(kStoreFile));
      };
      SampleJobStore store(folder.path(), options);
      {
        const FaultyDisk disk = FaultyDisk::failing_sync(syncs);
        for (int i = 0; i < 10; ++i) {
          const std::string id = "job-" + std::to_string(i);
          try {
            create(store, new_job(id), {"request " + id, ""});
            acknowledged.push_back(id);
          } catch (const Error& error) {
            EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
          }
        }
        EXPECT_TRUE(disk.struck());
      }
      // The disk says that it is well again; what it dropped meanwhile nobody knows.
      EXPECT_EQ(failure_of([&] { create(store, new_job("later")); }).code, ErrorCode::kUnavailable);
      EXPECT_EQ(fatal, 1);
    }
    EXPECT_LT(acknowledged.size(), 10u);
    SampleJobStore store(folder.path());
    const std::vector<std::string> stored = stored_jobs(store);
    for (const std::string& id : acknowledged) EXPECT_THAT(stored, testing::Contains(id));
    EXPECT_EQ(create_jobs(store, 10).size(), 10u);  // repeated requests
    EXPECT_EQ(stored_jobs(store).size(), 10u);
  }
}

/// A copy of the folder of a store that serves, as a crash would leave it.
void copy_store(const fs::path& from, const fs::path& to) {
  fs::create_directories(to);
  for (const char* suffix : {"", "-wal"}) {
    const std::string name = kStoreFile + std::string(suffix);
    fs::copy_file(from / name, to / name, fs::copy_options::overwrite_existing);
  }
}

TEST(CorruptedTail, OfTheLogIsCutOffAndAllThatIsWholeIsKept) {
  const TemporaryFolder folder;
  SampleJobStore store(folder / "data");
  create_jobs(store, 5);
  copy_store(folder / "data", folder / "garbage");
  std::ofstream(folder / "garbage/service.db-wal", std::ios::app) << std::string(5000, '\x55');
  EXPECT_EQ(stored_jobs(SampleJobStore(folder / "garbage")).size(), 5u);

  const auto whole = fs::file_size(folder / "data/service.db-wal");
  create(store, new_job("last"));
  const auto longer = fs::file_size(folder / "data/service.db-wal");
  for (std::uintmax_t size = whole; size < longer; size += 997) {
    copy_store(folder / "data", folder / "torn");
    fs::resize_file(folder / "torn/service.db-wal", size);
    SampleJobStore torn(folder / "torn");
    EXPECT_EQ(stored_jobs(torn).size(), 5u) << size;
    create(torn, new_job("after"));
  }
  copy_store(folder / "data", folder / "torn");
  EXPECT_EQ(stored_jobs(SampleJobStore(folder / "torn")).size(), 6u);
}

TEST(DamagedFile, IsRefusedWithItsName) {
  const TemporaryFolder folder;
  {
    SampleJobStore store(folder.path());
    create_jobs(store, 50);
  }
  const auto file = folder / kStoreFile;
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekp(4096);
  stream << std::string(fs::file_size(file) - 8192, '\xff');
  stream.close();
  const Failure failure = failure_of([&] { SampleJobStore store(folder.path()); });
  EXPECT_EQ(failure.code, ErrorCode::kFailedPrecondition);
  EXPECT_THAT(failure.message, HasSubstr(file.string()));
  EXPECT_THAT(failure.message, HasSubstr("damaged"));
}

}  // namespace
}  // namespace hwnas::service
