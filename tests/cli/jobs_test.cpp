// The commands that call hwnasd, against one that trains nothing.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "process.hpp"
#include "tests/service/sample_daemon.hpp"

namespace hwnas::cli {
namespace {

namespace fs = std::filesystem;
using namespace nlohmann::literals;
using namespace std::chrono_literals;
using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

class JobsTest : public testing::Test {
 protected:
  JobsTest() {
    // What the person who runs the tests has configured is not meant.
    setenv("HOME", folder_.path().c_str(), 1);
    for (const char* name :
         {"XDG_CONFIG_HOME", "XDG_STATE_HOME", "HWNAS_SERVER", "HWNAS_TENANT", "HWNAS_TOKEN"}) {
      unsetenv(name);
    }
    start();
  }

  void start(std::chrono::microseconds epoch = 0us) {
    daemon_.reset();
    daemon_ = std::make_unique<service::DaemonProcess>(
        data_, std::vector<std::string>{"--datasets", sample_.datasets.string()}, epoch);
    ASSERT_TRUE(service::connect(data_)) << daemon_->errors();
  }
  void kill() const { daemon_->signal(SIGKILL); }

  std::vector<std::string> command_line(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), HWNAS_PROGRAM);
    arguments.insert(arguments.end(), {"--server", "unix:" + (data_ / "hwnasd.sock").string()});
    return arguments;
  }
  Finished run(const std::vector<std::string>& arguments) const {
    return Process(command_line(arguments)).wait();
  }
  std::string submit(const std::string& id) const {
    const Finished submitted = run({"submit", file_.string(), "--id", id});
    EXPECT_EQ(submitted.exit_code, 0) << submitted.err;
    return submitted.out;
  }
  json jobs() const { return json::parse(run({"jobs", "--json"}).out); }
  void wait_until_it_searches() const {
    while (jobs().at(0).value("/progress/planned_trials"_json_pointer, "0") == "0") {
      std::this_thread::sleep_for(10ms);
    }
  }

  const TemporaryFolder folder_;
  const fs::path data_ = folder_ / "data";
  const service::SampleExperiment sample_ = service::write_sample_experiment(folder_);
  const fs::path file_ = folder_.write("job.yaml", sample_.text);
  std::unique_ptr<service::DaemonProcess> daemon_;
};

TEST_F(JobsTest, SubmitWatchesToTheDownloadedArtifacts) {
  const std::string to = (folder_ / "made").string();
  const Finished finished = run({"submit", file_.string(), "--download", to});
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("queued"));
  EXPECT_THAT(finished.err, HasSubstr("20 evaluated"));
  EXPECT_THAT(finished.out, HasSubstr("val_top1"));
  EXPECT_THAT(finished.out, HasSubstr("macs")) << "a limit is shown as an objective is";
  EXPECT_THAT(finished.out, HasSubstr(to + "/waves.onnx"));
  EXPECT_TRUE(fs::exists(to + "/report.html"));
}

TEST_F(JobsTest, ASubmittedJobIsListedWatchedShownAndDownloadedByItsNameOrId) {
  EXPECT_EQ(submit("a"), "tenants/default/searchJobs/a\n");
  EXPECT_EQ(run({"watch", "tenants/default/searchJobs/a"}).exit_code, 0);
  EXPECT_THAT(run({"jobs"}).out, HasSubstr("a    succeeded  20/20 "));
  const Finished front = run({"front", "a"});
  EXPECT_THAT(front.out, HasSubstr("latency_ms"));
  EXPECT_EQ(json::parse(run({"front", "a", "--json"}).out).at("trials").size(),
            std::count(front.out.begin(), front.out.end(), '\n') - 1);
  const std::string to = (folder_ / "made").string();
  const Finished one = run({"download", "a", "onnx", "--to", to, "--json"});
  EXPECT_EQ(json::parse(one.out).at("files").at(0).at("file"), to + "/waves.onnx");
  const Finished wrong = run({"download", "a", "onx", "--to", to});
  EXPECT_EQ(wrong.exit_code, 3);
  EXPECT_THAT(wrong.err, HasSubstr("did you mean 'onnx'?"));
}

TEST_F(JobsTest, EventsAreJsonLines) {
  const Finished finished = run({"submit", file_.string(), "--watch", "--json"});
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  std::istringstream lines(finished.out);
  std::int64_t revision = 0;
  json last_job;
  int trials = 0;
  for (std::string line; std::getline(lines, line);) {
    const json event = json::parse(line);
    const std::int64_t next = std::stoll(event.at("revision").get<std::string>());
    EXPECT_GT(next, revision);
    revision = next;
    if (event.contains("search_job")) last_job = event.at("search_job");
    trials += int(event.contains("trial"));
  }
  EXPECT_EQ(last_job.at("state"), "SUCCEEDED");
  EXPECT_GE(trials, 20);
}

TEST_F(JobsTest, AFaultFoundByTheDaemonIsToldAtTheUsersOwnPlace) {
  const std::size_t space = sample_.text.find("space:\n");
  const std::size_t device = sample_.text.find("device:");
  std::string text = sample_.text;
  folder_.write("space.yaml", "family: conv1d\nstages:\n  - { dept: [ 1 ] }\n");
  text.replace(space, device - space, "space: { file: space.yaml }\n");
  const std::string file = folder_.write("faulty.yaml", text).string();
  Finished finished = run({"submit", file});
  EXPECT_EQ(finished.exit_code, 2);
  EXPECT_THAT(finished.err, HasSubstr("hwnas: " + (folder_ / "space.yaml").string() + ":3:"));
  EXPECT_THAT(finished.err, HasSubstr("'dept', did you mean 'depth'?"));

  text = sample_.text;
  text.replace(text.find("trials: 20"), 10, "trials: 0 ");
  const auto line = 1 + std::count(text.begin(), text.begin() + text.find("trials: 0"), '\n');
  finished = run({"submit", folder_.write("faulty.yaml", text).string()});
  EXPECT_THAT(finished.err, HasSubstr(fmt::format("{}:{}:", file, line)));
  EXPECT_THAT(finished.err, HasSubstr("search.trials: '0' is not between"));
}

TEST_F(JobsTest, ACommandRepeatedWithItsRequestIdSubmitsOnce) {
  const auto submit = [&] {
    return run({"submit", file_.string(), "--request-id", "request-1"}).out;
  };
  const std::string first = submit();
  EXPECT_EQ(submit(), first);
  EXPECT_EQ(jobs().size(), 1u);
}

TEST_F(JobsTest, WatchingGoesOnWhenTheDaemonIsKilledAndStartedAgain) {
  start(200ms);
  submit("a");
  Process watching(command_line({"watch", "a"}));
  wait_until_it_searches();
  kill();
  start();
  const Finished finished = watching.wait();
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("trying again"));
  EXPECT_THAT(finished.err, HasSubstr("a running, attempt 2"));
}

TEST_F(JobsTest, CtrlCEndsTheWatchingAndNotTheJob) {
  start(500ms);
  submit("a");
  Process watching(command_line({"watch", "a", "--download", "some where"}));
  while (watching.err_so_far().find("running") == std::string::npos) {
    std::this_thread::sleep_for(10ms);
  }
  watching.signal(SIGINT);
  const Finished finished = watching.wait();
  EXPECT_EQ(finished.exit_code, 130) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("watch a --download 'some where' --server unix:"));
  EXPECT_EQ(jobs().at(0).at("state"), "RUNNING");
}

TEST_F(JobsTest, ACancelledJobIsNoSuccessAndCanBeDeleted) {
  start(500ms);
  submit("a");
  wait_until_it_searches();
  EXPECT_EQ(run({"delete", "a"}).exit_code, 2) << "not while it runs";
  EXPECT_THAT(run({"cancel", "a"}).out, HasSubstr("cancel"));
  const Finished watched = run({"watch", "a"});
  EXPECT_EQ(watched.exit_code, 1);
  EXPECT_THAT(watched.err, HasSubstr("job a cancelled"));
  EXPECT_EQ(run({"delete", "a"}).exit_code, 0);
  EXPECT_EQ(run({"watch", "a"}).exit_code, 3);
}

TEST_F(JobsTest, ADaemonThatIsNotThereIsUnavailable) {
  kill();
  const Finished submitted = run({"submit", file_.string()});
  EXPECT_EQ(submitted.exit_code, 5);
  EXPECT_THAT(submitted.err, HasSubstr("cannot be reached"));
  EXPECT_THAT(submitted.err, HasSubstr("--request-id"));
}

TEST_F(JobsTest, TheQuickstartIsAcceptedWithTheDataSetsOfConfigs) {
  const fs::path data = folder_ / "quickstart";
  const service::DaemonProcess daemon(data, {"--datasets", HWNAS_SOURCE_DIR "/configs/datasets"});
  ASSERT_TRUE(service::connect(data)) << daemon.errors();
  const Finished submitted =
      hwnas({"submit", HWNAS_SOURCE_DIR "/configs/experiments/fashion_mnist_mcu.yaml", "--id", "a",
             "--server", "unix:" + (data / "hwnasd.sock").string()});
  EXPECT_EQ(submitted.out, "tenants/default/searchJobs/a\n") << submitted.err;
}

TEST_F(JobsTest, ACallerWhoIsNotKnownHearsWhatIsMissing) {
  const fs::path tokens = folder_.write("tokens", "default read 0123456789abcdef\n");
  const fs::path token = folder_.write("token", "0123456789abcdef\n");
  for (const fs::path& file : {tokens, token}) fs::permissions(file, fs::perms(0600));
  const fs::path data = folder_ / "with_tokens";
  const service::DaemonProcess daemon(data, {"--tokens", tokens.string()});
  ASSERT_TRUE(service::connect(data)) << daemon.errors();
  const std::string server = "unix:" + (data / "hwnasd.sock").string();
  const Finished unknown = hwnas({"jobs", "--server", server});
  EXPECT_EQ(unknown.exit_code, 4);
  EXPECT_THAT(unknown.err, HasSubstr("--token-file"));
  const std::vector<std::string> known{"--server", server, "--token-file", token.string()};
  EXPECT_EQ(hwnas({"jobs", known[0], known[1], known[2], known[3]}).exit_code, 0);
  EXPECT_EQ(hwnas({"cancel", "a", known[0], known[1], known[2], known[3]}).exit_code, 4)
      << "it may only read";
}

}  // namespace
}  // namespace hwnas::cli
