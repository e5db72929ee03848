#include "core/sha256.hpp"

#include <gtest/gtest.h>

#include "core/error.hpp"
#include "tests/core/temporary_folder.hpp"

namespace hwnas {
namespace {

// FIPS 180-2, appendix B, and the well-known digest of nothing.
TEST(Sha256, AgreesWithTheStandard) {
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256(std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, OfAFileIsThatOfItsBytes) {
  const TemporaryFolder folder;
  const std::string bytes(200'000, '\0');
  EXPECT_EQ(sha256_of_file(folder.write("x", bytes)), sha256(bytes));
  EXPECT_EQ(sha256_of_file(folder.write("y", "")), sha256(""));
}

TEST(Sha256, FilesThatCannotBeReadAreErrors) {
  const TemporaryFolder folder;
  EXPECT_THROW(sha256_of_file(folder / "absent"), Error);
  EXPECT_THROW(sha256_of_file(folder.path()), Error);
}

}  // namespace
}  // namespace hwnas
