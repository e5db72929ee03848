#include "service/audit_log.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "core/error.hpp"
#include "core/file.hpp"
#include "service/audit_chain.hpp"
#include "service/audit_files.hpp"
#include "service/backup.hpp"
#include "service/log.hpp"
#include "service/store.hpp"
#include "tests/core/temporary_folder.hpp"

namespace hwnas::service {
namespace {

using nlohmann::json;

AuditEntry entry(const std::string& resource) {
  return {.caller = "tenants/acme",
          .method = "hwnas.v1.SearchService/CreateSearchJob",
          .resource = resource,
          .outcome = "OK",
          .request_id = "r-1"};
}

class AuditLogTest : public testing::Test {
 protected:
  AuditLogTest() { set_log_level(LogLevel::kError); }
  ~AuditLogTest() override { set_log_level(LogLevel::kInfo); }

  /// A daemon's life: it starts, notes so many calls, and ends.
  void note(int calls, AuditLogOptions options = {}) {
    AuditLog log(folder_.path(), options);
    for (int i = 0; i < calls; ++i)
      log.append(entry("tenants/acme/searchJobs/" + std::to_string(i)));
  }
  std::string text() const { return read_file(file_, 1 << 24); }
  std::vector<std::string> lines() const {
    std::istringstream stream(text());
    std::vector<std::string> result;
    for (std::string line; std::getline(stream, line);) result.push_back(line);
    return result;
  }
  void write(const std::vector<std::string>& lines) const {
    std::string joined;
    for (const std::string& line : lines) joined += line + "\n";
    folder_.write(kAuditFile, joined);
  }
  AuditCheck check() const { return check_audit_log(folder_.path()); }

  const TemporaryFolder folder_;
  const std::filesystem::path file_ = folder_ / kAuditFile;
};

TEST_F(AuditLogTest, NotesWhoDidWhatAndHowItEnded) {
  note(1);
  const std::vector<std::string> all = lines();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(json::parse(all[0])["event"], "started");
  const json call = json::parse(all[1]);
  EXPECT_EQ(call["sequence"], 2);
  EXPECT_EQ(call["caller"], "tenants/acme");
  EXPECT_EQ(call["resource"], "tenants/acme/searchJobs/0");
  EXPECT_EQ(call["outcome"], "OK");
  EXPECT_EQ(call["request_id"], "r-1");
  EXPECT_EQ(call["previous"], json::parse(all[0])["hash"]);
}

TEST_F(AuditLogTest, IsForItsOwnerOnly) {
  note(0);
  struct stat status {};
  ASSERT_EQ(::stat(file_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(AuditLogTest, TheChainGoesOnOverRestarts) {
  for (int life = 0; life < 3; ++life) note(2);
  const AuditCheck checked = check();
  EXPECT_FALSE(checked.fault);
  EXPECT_EQ(checked.lines, 9u);
  EXPECT_EQ(checked.first_sequence, 1u);
  EXPECT_EQ(checked.last_hash, json::parse(lines().back()).at("hash").get<std::string>());
}

TEST_F(AuditLogTest, AnEntryIsInTheFileSoonAfterItsCall) {
  AuditLog log(folder_.path());
  log.append(entry("tenants/acme/searchJobs/a"));
  for (int i = 0; i < 1000 && log.head().sequence < 2; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_EQ(lines().size(), 2u);
  EXPECT_EQ(check().last_hash, log.head().hash);
}

TEST_F(AuditLogTest, HostileTextStaysInItsLine) {
  {
    AuditLog log(folder_.path());
    log.append(entry(std::string("a\n{\"sequence\":3}\n\xff") + std::string(1 << 16, '\x01')));
  }
  EXPECT_EQ(lines().size(), 2u);
  EXPECT_LT(text().size(), 2 * kMaxAuditLineBytes);
  EXPECT_FALSE(check().fault);
}

TEST_F(AuditLogTest, AChangedLineIsFound) {
  note(5);
  std::vector<std::string> all = lines();
  const std::size_t place = all[3].find("acme");
  all[3].replace(place, 4, "evil");
  write(all);
  ASSERT_TRUE(check().fault);
  EXPECT_EQ(check().fault->line, 4u);
  EXPECT_EQ(check().fault->file, file_);
}

TEST_F(AuditLogTest, EveryChangedByteIsFound) {
  note(2);
  const std::string whole = text();
  for (std::size_t i = 0; i < whole.size(); i += 7) {
    std::string changed = whole;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    folder_.write(kAuditFile, changed);
    const AuditCheck checked = check();
    EXPECT_TRUE(checked.fault || checked.torn_bytes > 0) << i;
  }
}

TEST_F(AuditLogTest, AChangedLineWithARightHashIsFoundInTheNext) {
  note(5);
  std::vector<std::string> all = lines();
  const json before = json::parse(all[2]);
  all[3] = make_audit_line(4, {{"event", "call"}, {"caller", "operator"}},
                           before["hash"].get<std::string>())
               .text;
  write(all);
  ASSERT_TRUE(check().fault);
  EXPECT_EQ(check().fault->line, 5u);
  EXPECT_THAT(check().fault->reason, testing::HasSubstr("names another line"));
}

TEST_F(AuditLogTest, ARemovedLineIsFound) {
  note(5);
  std::vector<std::string> all = lines();
  all.erase(all.begin() + 2);
  write(all);
  ASSERT_TRUE(check().fault);
  EXPECT_EQ(check().fault->line, 3u);
  EXPECT_THAT(check().fault->reason, testing::HasSubstr("where 3 is expected"));
}

TEST_F(AuditLogTest, ACutEndShowsByTheLastHashOnly) {
  note(5);
  const std::string last = check().last_hash;
  std::vector<std::string> all = lines();
  all.pop_back();
  write(all);
  EXPECT_FALSE(check().fault);
  EXPECT_NE(check().last_hash, last);
}

TEST_F(AuditLogTest, AHalfWrittenLastLineIsSetAsideAndTheChainGoesOn) {
  note(3);
  const std::string whole = text();
  for (const std::string& torn :
       {whole.substr(0, whole.size() - 1), whole.substr(0, whole.size() - 80), whole + "{\"seq",
        whole + std::string(100, '\0')}) {
    folder_.write(kAuditFile, torn);
    EXPECT_GT(check().torn_bytes, 0u);
    EXPECT_FALSE(check().fault);
    note(1);
    const AuditCheck checked = check();
    EXPECT_FALSE(checked.fault);
    EXPECT_EQ(checked.torn_bytes, 0u);
    const std::size_t kept = torn.rfind('\n') + 1;
    EXPECT_TRUE(text().starts_with(torn.substr(0, kept)));
    const json started = json::parse(
        lines()[static_cast<std::size_t>(std::ranges::count(torn.substr(0, kept), '\n'))]);
    EXPECT_EQ(started["cut_bytes"], torn.size() - kept);
    const auto aside = folder_ / ("audit.log.cut." + started["sequence"].dump());
    EXPECT_EQ(read_file(aside, 1 << 20), torn.substr(kept));
  }
}

TEST_F(AuditLogTest, AFileOfWhichNothingIsAsItWasWrittenIsNotGoneOnWith) {
  folder_.write(kAuditFile, std::string((1 << 20) + 100, 'x') + "\n");
  EXPECT_THROW(AuditLog(folder_.path()), Error);
}

TEST_F(AuditLogTest, FullFilesAreKeptByTheNumberOfTheirFirstLineAndTheOldestGo) {
  const AuditLogOptions options{.max_file_bytes = 500, .max_files = 3};
  for (int life = 0; life < 6; ++life) note(2, options);
  const auto files = full_audit_files(folder_.path());
  ASSERT_EQ(files.size(), 3u);
  const AuditCheck checked = check();
  EXPECT_FALSE(checked.fault) << checked.fault->reason;
  EXPECT_GT(checked.first_sequence, 1u);
  EXPECT_EQ(files[0], full_audit_file(folder_.path(), checked.first_sequence));
  EXPECT_EQ(checked.first_sequence + checked.lines - 1, 18u);

  std::filesystem::remove(files[1]);
  ASSERT_TRUE(check().fault);
  EXPECT_EQ(check().fault->file, files[2]);
  EXPECT_EQ(check().fault->line, 1u);
}

TEST_F(AuditLogTest, WhatDoesNotFitIntoMemoryIsCounted) {
  constexpr int kCalls = 50'000;
  {
    AuditLog log(folder_.path(), {.max_waiting = 10});
    for (int i = 0; i < kCalls; ++i) log.append(entry("a"));
    EXPECT_GT(log.lost(), 0u);
  }
  std::uint64_t calls = 0, lost = 0;
  for (const std::string& line : lines()) {
    const json object = json::parse(line);
    calls += object["event"] == "call";
    if (object["event"] == "lost") lost += object["count"].get<std::uint64_t>();
  }
  EXPECT_EQ(calls + lost, kCalls);
  EXPECT_FALSE(check().fault);
}

TEST_F(AuditLogTest, TheCheckOfADataFolderNamesTheLine) {
  Store(folder_.path());
  note(3);
  EXPECT_THAT(check_data(folder_.path()), testing::IsEmpty());
  std::vector<std::string> all = lines();
  all.erase(all.begin() + 1);
  write(all);
  EXPECT_THAT(check_data(folder_.path()),
              testing::ElementsAre(testing::HasSubstr("audit.log:2: is number 3")));
}

TEST_F(AuditLogTest, AFolderWithoutOneIsSaidSo) {
  EXPECT_THROW(check(), Error);
}

}  // namespace
}  // namespace hwnas::service
