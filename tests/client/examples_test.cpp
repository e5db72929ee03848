// The clients of docs/platform.md, against a hwnasd that is killed while they watch.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "core/file.hpp"
#include "tests/service/sample_daemon.hpp"

namespace hwnas::client {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::ContainsRegex;
using testing::HasSubstr;

constexpr const char* kNoPython =
    "needs grpcio and grpcio-tools: tools/test installs tests/judges/requirements.txt";

class Examples : public testing::Test {
 protected:
  std::unique_ptr<service::DaemonProcess> start(std::chrono::microseconds epoch = 0us) const {
    return std::make_unique<service::DaemonProcess>(
        data_, std::vector<std::string>{"--datasets", sample_.datasets.string()}, epoch);
  }
  /// Its exit code; what it said is in said().
  int run(const std::string& client, const fs::path& experiment) const {
    const std::string command = fmt::format(
        "timeout 60 {} unix:{} {} {} > {} 2>&1", client, (data_ / "hwnasd.sock").string(),
        experiment.string(), (folder_ / "found").string(), (folder_ / "said").string());
    return std::system(command.c_str());
  }
  std::string said() const {
    std::ifstream file(folder_ / "said");
    return {std::istreambuf_iterator<char>(file), {}};
  }

  void expect_to_survive_a_kill(const std::string& client) const {
    auto daemon = start(150ms);
    const auto stub = service::connect(data_);
    ASSERT_TRUE(stub) << daemon->errors();
    int exit_code = -1;
    std::thread running([&] { exit_code = run(client, file_); });
    for (int i = 0; i < 3000 && said().find("search ") == std::string::npos; ++i) {
      std::this_thread::sleep_for(10ms);
    }
    daemon->signal(SIGKILL);
    daemon->wait();
    daemon = start();
    running.join();
    EXPECT_EQ(exit_code, 0) << said() << daemon->errors();
    EXPECT_THAT(said(), ContainsRegex("SUCCEEDED\ndownloaded .*/waves.onnx"));
    EXPECT_THAT(read_file(folder_ / "found/waves.onnx", 1 << 20), HasSubstr("hwnas"));
  }
  void expect_to_explain_faults(const std::string& client) const {
    std::string text = sample_.text;
    text.replace(text.find("trials: 20"), 10, "trials: 0 ");
    const auto daemon = start();
    ASSERT_TRUE(service::connect(data_)) << daemon->errors();
    EXPECT_NE(run(client, folder_.write("faulty.yaml", text)), 0);
    EXPECT_THAT(said(), ContainsRegex("  search_job.experiment:search.trials: [0-9]+:[0-9]+: '0'"));
  }

  static bool has_python() {
    return std::system(HWNAS_PYTHON " -c 'import grpc, grpc_tools' 2> /dev/null") == 0;
  }
  std::string python_client() const {
    const fs::path code = folder_ / "python";
    fs::create_directories(code);
    const std::string command = fmt::format(
        "{0} -m grpc_tools.protoc -I {1}/proto --python_out {2} --grpc_python_out {2} "
        "google/rpc/status.proto google/rpc/error_details.proto hwnas/v1/resources.proto "
        "hwnas/v1/search_service.proto",
        HWNAS_PYTHON, HWNAS_SOURCE_DIR, code.string());
    EXPECT_EQ(std::system(command.c_str()), 0) << command;
    return fmt::format("env PYTHONPATH={} {} {}/examples/client.py", code.string(), HWNAS_PYTHON,
                       HWNAS_SOURCE_DIR);
  }

  const TemporaryFolder folder_;
  const fs::path data_ = folder_ / "data";
  const service::SampleExperiment sample_ = service::write_sample_experiment(folder_);
  const fs::path file_ = folder_.write("job.yaml", sample_.text);
};

TEST_F(Examples, TheClientInCppSurvivesAKillOfTheDaemon) {
  expect_to_survive_a_kill(CLIENT_EXAMPLE);
}

TEST_F(Examples, TheClientInCppExplainsFaults) {
  expect_to_explain_faults(CLIENT_EXAMPLE);
}

TEST_F(Examples, TheClientInPythonSurvivesAKillOfTheDaemon) {
  if (!has_python()) GTEST_SKIP() << kNoPython;
  expect_to_survive_a_kill(python_client());
}

TEST_F(Examples, TheClientInPythonExplainsFaults) {
  if (!has_python()) GTEST_SKIP() << kNoPython;
  expect_to_explain_faults(python_client());
}

}  // namespace
}  // namespace hwnas::client
