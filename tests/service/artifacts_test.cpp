#include "service/artifacts.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "core/error.hpp"
#include "tests/core/temporary_folder.hpp"

namespace hwnas::service {
namespace {

namespace fs = std::filesystem;

TEST(FileBeneath, ReadsFromAnOffsetToTheEnd) {
  const TemporaryFolder folder;
  folder.write("run/export/net.onnx", "0123456789");
  const FileBeneath file(folder / "run", "export/net.onnx");
  EXPECT_EQ(file.size(), 10);
  EXPECT_EQ(file.read(0, 4), "0123");
  EXPECT_EQ(file.read(8, 4), "89");
  EXPECT_EQ(file.read(10, 4), "");
}

TEST(FileBeneath, NoNameAndNoLinkLeadsOutOfTheFolder) {
  const TemporaryFolder folder;
  folder.write("secret", "s");
  folder.write("run/inside", "i");
  fs::create_symlink(folder / "secret", folder / "run/link");
  fs::create_directory_symlink(folder.path(), folder / "run/up");
  fs::create_symlink("inside", folder / "run/harmless");
  for (const std::string name : {"../secret", "a/../../secret", "link", "up/secret", "harmless",
                                 "./../run/../secret", "", ".", "/etc/passwd", "none"}) {
    EXPECT_THROW(FileBeneath(folder / "run", name), Error) << name;
  }
  EXPECT_THROW(FileBeneath(folder / "run", (folder / "secret").string()), Error);
}

TEST(FileBeneath, APipeIsNoFileAndDoesNotHoldTheCaller) {
  const TemporaryFolder folder;
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_THROW(FileBeneath(folder.path(), "pipe"), Error);
}

TEST(ArtifactsOf, AFolderWithoutARunHasNone) {
  const TemporaryFolder folder;
  EXPECT_TRUE(artifacts_of(folder / "none", {"acme", JobKind::kSearch, "a"}).empty());
}

}  // namespace
}  // namespace hwnas::service
