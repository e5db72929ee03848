#include "service/upload_file.hpp"

#include <gmock/gmock.h>
#include <sys/resource.h>

#include <csignal>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/sha256.hpp"
#include "tests/core/temporary_folder.hpp"
#include "tests/service/sample_jobs.hpp"

namespace hwnas::service {
namespace {

TEST(UploadFile, WhatACrashHasLeftBehindTheCommittedBytesIsCutOff) {
  const TemporaryFolder folder;
  const auto path = folder.write("1", "committed, and not");
  UploadFile file(path, 9);
  EXPECT_EQ(file.size(), 9);
  file.append(" and more");
  file.sync();
  EXPECT_EQ(read_file(path, 100), "committed and more");
  EXPECT_EQ(file.sha256(), sha256("committed and more"));
}

TEST(UploadFile, CommittedBytesThatAreGoneAreNoticed) {
  const TemporaryFolder folder;
  const auto path = folder.write("1", "short");
  const Failure failure = failure_of([&] { UploadFile(path, 6); });
  EXPECT_EQ(failure.code, ErrorCode::kUnavailable);
  EXPECT_THAT(failure.message, testing::HasSubstr("5 bytes on the disk instead of 6"));
}

TEST(UploadFile, AFullDiskIsToldApartAndWhatWasWrittenBeforeStays) {
  const TemporaryFolder folder;
  UploadFile file(folder / "1", 0);
  file.append("12345");
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{8, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  const Failure failure = failure_of([&] { file.append("678901"); });
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(failure.code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(file.size(), 8);
  file.append("90");
  EXPECT_EQ(read_file(folder / "1", 100), "1234567890");
}

}  // namespace
}  // namespace hwnas::service
