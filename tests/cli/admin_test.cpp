#include <gmock/gmock.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/cli/process.hpp"
#include "tests/core/temporary_folder.hpp"
#include "tests/service/sample_jobs.hpp"

namespace hwnas::cli {
namespace {

using testing::HasSubstr;

TEST(Admin, BacksUpChecksAndRestores) {
  const TemporaryFolder folder;
  const std::string data = folder / "data", backup = folder / "backup", restored = folder / "new";
  {
    service::SampleJobStore store(data);
    service::create(store, service::new_job("a"));
  }
  EXPECT_THAT(hwnas({"admin", "backup", data, backup}).out, HasSubstr("1 jobs"));
  EXPECT_EQ(hwnas({"admin", "check", backup}).exit_code, 0);
  const Finished done = hwnas({"admin", "restore", backup, restored, "--json"});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_EQ(nlohmann::json::parse(done.out).at("jobs"), 1);
  EXPECT_EQ(hwnas({"admin", "restore", backup, restored}).exit_code, 2);

  folder.write("backup/service.db", "damaged");
  const Finished checked = hwnas({"admin", "check", backup});
  EXPECT_EQ(checked.exit_code, 1);
  EXPECT_THAT(checked.out, HasSubstr("service.db: is not what was written when the backup"));
}

}  // namespace
}  // namespace hwnas::cli
