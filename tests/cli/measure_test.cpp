#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "process.hpp"

namespace hwnas::cli {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;

/// A program that says that each run took so many milliseconds, and counts its starts in a file.
std::string timing_program(const std::string& name, const std::string& body) {
  const std::string file = temporary_file(name, "#!/bin/sh\necho x >> $0.starts\n" + body + "\n");
  std::filesystem::permissions(file, std::filesystem::perms::owner_all);
  std::filesystem::remove(file + ".starts");
  return file;
}

std::string that_takes(int ms) {
  return "for i in 1 2 3 4 5 6 7; do echo run_ns " + std::to_string(ms) + "000000; done";
}

std::uintmax_t starts_of(const std::string& program) {
  return std::filesystem::exists(program + ".starts")
             ? std::filesystem::file_size(program + ".starts") / 2
             : 0;
}

TEST(MeasureCommand, PrintsARowForEachNetwork) {
  const Finished finished = hwnas({"measure", timing_program("measured_3", that_takes(3)),
                                   timing_program("measured_7", that_takes(7))});
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_THAT(finished.out, AllOf(HasSubstr("median ms"), HasSubstr("measured_3"),
                                  HasSubstr("measured_7"), HasSubstr("ok")));
}

TEST(MeasureCommand, ShowsFailuresAndSaysSoInItsExitCode) {
  const Finished finished = hwnas({"measure", "--json", timing_program("crashing", "exit 4"),
                                   timing_program("measured_3", that_takes(3))});
  EXPECT_EQ(finished.exit_code, 1);
  const auto json = nlohmann::json::parse(finished.out);
  ASSERT_EQ(json.size(), 2);
  EXPECT_EQ(json[0]["status"], "crashed");
  EXPECT_EQ(json[1]["status"], "ok");
  EXPECT_EQ(json[1]["median_ms"], 3);
}

TEST(MeasureCommand, GoesOnFromItsJournal) {
  const std::string reference = timing_program("reference", that_takes(5));
  const std::string net = timing_program("journaled", that_takes(3));
  const std::string journal = temporary_file("journal.jsonl", "");
  const std::vector<std::string> command = {"measure",   net,     "--reference", reference,
                                            "--journal", journal, "--json"};
  const Finished first = hwnas(command);
  EXPECT_EQ(first.exit_code, 0) << first.err;
  EXPECT_EQ(starts_of(net), 1);
  EXPECT_EQ(starts_of(reference), 2);
  std::ofstream(journal, std::ios::app) << "{\"network\": \"cut o";
  const Finished second = hwnas(command);
  EXPECT_EQ(second.exit_code, 0) << second.err;
  EXPECT_EQ(second.out, first.out);
  EXPECT_EQ(starts_of(net), 1);
  std::ofstream(journal, std::ios::app) << "{\"network\": 3}\n";
  EXPECT_THAT(hwnas(command).err, HasSubstr("journal.jsonl:4: measurement: "));
}

TEST(MeasureCommand, NamesThePlaceOfAWrongOption) {
  const std::string net = timing_program("measured_3", that_takes(3));
  EXPECT_THAT(hwnas({"measure", net, "--set", "min_runs=0"}).err, HasSubstr("min_runs"));
  const std::string config = temporary_file("runner.yaml", "runner: host\nmin_run: 3\n");
  EXPECT_THAT(hwnas({"measure", net, "--config", config}).err,
              AllOf(HasSubstr("runner.yaml:2:"), HasSubstr("did you mean 'min_runs'")));
}

TEST(AgentCommand, MeasuresForAnotherProcess) {
  const std::string token = temporary_file("token", "a token for tests, 0123456789\n");
  std::filesystem::permissions(
      token, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  const std::string socket = token + ".socket";
  std::filesystem::remove(socket);
  Process agent({HWNAS_PROGRAM, "agent", "--listen", "unix:" + socket, "--token-file", token});
  for (int i = 0; i < 1000 && !std::filesystem::exists(socket); ++i) {
    std::this_thread::sleep_for(10ms);
  }
  const Finished finished =
      hwnas({"measure", "--json", timing_program("remote", that_takes(4)), "--runner", "agent",
             "--set", "address='unix:" + socket + "'", "--set", "token_file=" + token});
  agent.signal(SIGTERM);
  EXPECT_EQ(agent.wait().exit_code, 0);
  EXPECT_EQ(finished.exit_code, 0) << finished.out << finished.err;
  const auto json = nlohmann::json::parse(finished.out);
  EXPECT_EQ(json[0]["runner"], "agent/host");
  EXPECT_EQ(json[0]["median_ms"], 4);
}

TEST(AgentCommand, DoesNotListenForOthersWithoutTls) {
  const std::string token = temporary_file("token", "a token for tests, 0123456789\n");
  std::filesystem::permissions(
      token, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  const Finished finished = hwnas({"agent", "--listen", "0.0.0.0:0", "--token-file", token});
  EXPECT_EQ(finished.exit_code, 2);
  EXPECT_THAT(finished.err, HasSubstr("--insecure-listen"));
}

}  // namespace
}  // namespace hwnas::cli
