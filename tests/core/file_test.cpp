#include "core/file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "core/error.hpp"
#include "tests/core/gzip.hpp"
#include "tests/core/message_of.hpp"
#include "tests/core/temporary_folder.hpp"

namespace hwnas {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

template <typename Action>
ErrorCode code_of(Action action) {
  try {
    action();
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::kInternal;
}

TEST(File, ReadsExactlyWhatWasWritten) {
  const TemporaryFolder folder;
  const std::string bytes("a\0\xff\n", 4);
  write_file_atomically(folder / "x", bytes);
  EXPECT_EQ(read_file(folder / "x", 4), bytes);
  write_file_atomically(folder / "x", "");
  EXPECT_EQ(read_file(folder / "x", 0), "");
}

TEST(File, SizesAreBoundedBeforeReading) {
  const TemporaryFolder folder;
  folder.write("x", "12345");
  EXPECT_EQ(code_of([&] { read_file(folder / "x", 4); }), ErrorCode::kInvalidArgument);
  EXPECT_THAT(message_of([&] { read_file(folder / "x", 4); }),
              HasSubstr("x: 5 bytes, but at most 4 are read"));
}

TEST(File, OnlyPlainFilesAreRead) {
  const TemporaryFolder folder;
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(message_of([&] { read_file(folder / "pipe", 10); }), HasSubstr("not a plain file"));
  EXPECT_THAT(message_of([&] { read_file(folder.path(), 10); }), HasSubstr("not a plain file"));
  EXPECT_THAT(message_of([] { read_file("/dev/zero", 10); }), HasSubstr("not a plain file"));
  EXPECT_EQ(code_of([&] { read_file(folder / "absent", 10); }), ErrorCode::kNotFound);
}

TEST(File, GzipIsUnpackedWhateverTheName) {
  const TemporaryFolder folder;
  const std::string text(1'000'000, 'x');
  EXPECT_EQ(read_unpacked_file(folder.write("a.txt", gzip(text)), 1'000'000), text);
  EXPECT_EQ(read_unpacked_file(folder.write("b.gz", "plain"), 100), "plain");
  EXPECT_EQ(read_unpacked_file(folder.write("c", gzip("")), 100), "");
  EXPECT_EQ(read_unpacked_file(folder.write("d", gzip("one ") + gzip("two")), 100), "one two");
}

TEST(File, UnpackedSizesAreBoundedToo) {
  const TemporaryFolder folder;
  const auto file = folder.write("bomb.gz", gzip(std::string(10'000'000, '\0')));
  EXPECT_THAT(message_of([&] { read_unpacked_file(file, 1'000'000); }),
              HasSubstr("bomb.gz: unpacks to more than 1000000 bytes"));
}

TEST(File, EveryTruncationOfGzipIsRefused) {
  const TemporaryFolder folder;
  const std::string packed = gzip("the quick brown fox");
  for (std::size_t size = 2; size < packed.size(); ++size) {
    const auto file = folder.write("cut.gz", packed.substr(0, size));
    EXPECT_THAT(message_of([&] { read_unpacked_file(file, 1000); }),
                AllOf(HasSubstr("cut.gz: "), HasSubstr("truncated")))
        << size;
  }
}

TEST(File, CorruptGzipIsRefused) {
  const TemporaryFolder folder;
  const std::string packed = gzip("the quick brown fox");
  for (std::size_t i = packed.size() - 8; i < packed.size(); ++i) {  // checksum and length
    std::string corrupt = packed;
    corrupt[i] = static_cast<char>(corrupt[i] ^ 0x10);
    EXPECT_THROW(read_unpacked_file(folder.write("bad.gz", corrupt), 1000), Error) << i;
  }
  EXPECT_THROW(read_unpacked_file(folder.write("tail.gz", packed + "tail"), 1000), Error);
}

TEST(File, FailedWritesLeaveTheOldFileAndNoRest) {
  const TemporaryFolder folder;
  folder.write("x/inside", "a folder stands where the file should be");
  EXPECT_THROW(write_file_atomically(folder / "x", "new"), Error);
  EXPECT_FALSE(std::filesystem::exists(folder / "x.partial"));
  EXPECT_EQ(code_of([&] { write_file_atomically(folder / "absent/x", "new"); }),
            ErrorCode::kNotFound);
}

}  // namespace
}  // namespace hwnas
