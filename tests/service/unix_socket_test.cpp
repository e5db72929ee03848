#include "service/unix_socket.hpp"

#include <gmock/gmock.h>

#include <csignal>

#include "core/error.hpp"
#include "tests/service/sample_daemon.hpp"

namespace hwnas::service {
namespace {

using testing::HasSubstr;

std::string refusal_of(const std::filesystem::path& path) {
  try {
    require_free_socket(path);
  } catch (const Error& failure) {
    EXPECT_EQ(failure.code(), ErrorCode::kFailedPrecondition);
    return failure.what();
  }
  return "";
}

TEST(UnixSocket, IsTakenOverOnlyWhereNobodyListensAnyMore) {
  const TemporaryFolder folder;
  const auto socket = folder / "data" / "hwnasd.sock";
  EXPECT_EQ(refusal_of(socket), "") << "nothing is there";
  DaemonProcess daemon(folder / "data", {});
  ASSERT_TRUE(connect(folder / "data")) << daemon.errors();
  EXPECT_THAT(refusal_of(socket), HasSubstr("another program listens there"));
  daemon.signal(SIGKILL);
  daemon.wait();
  ASSERT_TRUE(std::filesystem::exists(socket));
  EXPECT_EQ(refusal_of(socket), "");
}

TEST(UnixSocket, AForeignFileStaysWhereItIs) {
  const TemporaryFolder folder;
  const auto file = folder.write("letter", "dear");
  EXPECT_THAT(refusal_of(file), HasSubstr("is no socket"));
  const auto link = folder / "link";
  std::filesystem::create_symlink(file, link);
  EXPECT_THAT(refusal_of(link), HasSubstr("is no socket"));
}

TEST(UnixSocket, ASecondDaemonLeavesTheFirstOneAlone) {
  const TemporaryFolder folder;
  DaemonProcess first(folder / "data", {});
  ASSERT_TRUE(connect(folder / "data")) << first.errors();
  const std::string address = "unix:" + (folder / "data" / "hwnasd.sock").string();
  DaemonProcess second(folder / "other", {"--listen", address});
  EXPECT_NE(second.wait(), 0);
  EXPECT_THAT(second.errors(), HasSubstr("another program listens there"));
  EXPECT_TRUE(connect(folder / "data"));
}

}  // namespace
}  // namespace hwnas::service
