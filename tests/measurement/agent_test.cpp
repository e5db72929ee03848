#include <gmock/gmock.h>

#include <fstream>

#include "core/error.hpp"
#include "core/sha256.hpp"
#include "measurement/agent_protocol.hpp"
#include "tests/core/temporary_folder.hpp"
#include "tests/measurement/agents.hpp"

namespace hwnas::measurement {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;

class Agents : public testing::Test {
 protected:
  Agents() {
    // Larger than a message, so that it travels in chunks.
    bytes_.assign(3'000'000, 'x');
    for (std::size_t i = 0; i < bytes_.size(); i += 7) bytes_[i] = static_cast<char>(i);
    write_file_atomically(folder_.path() / "net.tflite", bytes_);
    artifact_ = artifact_of(folder_.path() / "net.tflite", "0123456789abcdef");
  }
  Measurement measure(int port, const std::string& more = "", const std::string& token = kToken) {
    return client(folder_.path(), port, more, token)->measure(artifact_);
  }
  const TemporaryFolder folder_;
  std::string bytes_;
  Artifact artifact_;
};

TEST_F(Agents, MeasureOnTheDeviceWhatTheyAreSent) {
  std::string arrived;
  std::string name;
  ScriptedRunner runner([&](const Artifact& artifact, const std::stop_token&) {
    arrived = read_file(artifact.main_file(), 1 << 24);
    name = artifact.name + " " + artifact.network_hash;
    return two_milliseconds(artifact);
  });
  const AgentServer server(agent_options(), runner);
  const Measurement measured = measure(server.port());
  ASSERT_EQ(measured.status, Status::kOk) << measured.reason;
  EXPECT_EQ(measured.runner, "agent/scripted");
  EXPECT_EQ(measured.latency.median_ms, 2);
  EXPECT_EQ(measured.network_hash, "0123456789abcdef");
  EXPECT_TRUE(arrived == bytes_);
  EXPECT_EQ(name, "net 0123456789abcdef");
}

TEST_F(Agents, MeasureACExportByTheHostRunner) {
  if (!has_program("cc")) GTEST_SKIP() << "there is no C compiler 'cc'";
  const auto host = runner_of("{runner: host, max_seconds: 0.1, min_seconds: 0, min_runs: 5}");
  const AgentServer server(agent_options(), *host);
  const Measurement measured =
      client(folder_.path(), server.port())->measure(c_artifact(folder_.path(), "keyword"));
  ASSERT_EQ(measured.status, Status::kOk) << measured.reason;
  EXPECT_EQ(measured.runner, "agent/host");
}

TEST_F(Agents, LeaveNothingOfAJobBehind) {
  const TemporaryFolder work;
  ScriptedRunner runner(
      [](const Artifact& artifact, const std::stop_token&) { return two_milliseconds(artifact); });
  AgentOptions options = agent_options();
  options.work_folder = work.path();
  const AgentServer server(options, runner);
  EXPECT_EQ(measure(server.port()).status, Status::kOk);
  EXPECT_THAT(
      std::vector<std::filesystem::path>(std::filesystem::directory_iterator(work.path()), {}),
      IsEmpty());
}

TEST_F(Agents, PassOnTheFailureOfTheirRunner) {
  ScriptedRunner runner([](const Artifact& artifact, const std::stop_token&) {
    return failed(two_milliseconds(artifact), Status::kCrashed, "signal 11");
  });
  const AgentServer server(agent_options(), runner);
  const Measurement measured = measure(server.port());
  EXPECT_EQ(measured.status, Status::kCrashed);
  EXPECT_EQ(measured.reason, "signal 11");
}

TEST_F(Agents, DoOneJobAtATimeAndLetOthersWait) {
  std::atomic<int> running = 0;
  std::atomic<int> most = 0;
  ScriptedRunner runner([&](const Artifact& artifact, const std::stop_token&) {
    most = std::max(most.load(), ++running);
    std::this_thread::sleep_for(300ms);
    --running;
    return two_milliseconds(artifact);
  });
  const AgentServer server(agent_options(), runner);
  const auto first = client(folder_.path(), server.port());
  const TemporaryFolder other;
  const auto second = client(other.path(), server.port());
  Measurement early;
  std::thread thread([&] { early = first->measure(artifact_); });
  const Measurement late = second->measure(artifact_);
  thread.join();
  EXPECT_EQ(early.status, Status::kOk) << early.reason;
  EXPECT_EQ(late.status, Status::kOk) << late.reason;
  EXPECT_EQ(most, 1);
}

TEST_F(Agents, AreWaitedForUntilTheTimeLimitWhileTheyAreBusy) {
  ScriptedRunner runner(hang);
  const AgentServer server(agent_options(), runner);
  const auto blocking = client(folder_.path(), server.port());
  std::stop_source stop;
  std::thread thread([&] { EXPECT_THROW(blocking->measure(artifact_, stop.get_token()), Error); });
  std::this_thread::sleep_for(200ms);
  const TemporaryFolder other;
  const Measurement measured =
      client(other.path(), server.port(), ", time_limit_s: 0.7")->measure(artifact_);
  EXPECT_EQ(measured.status, Status::kConnectionLost);
  EXPECT_THAT(measured.reason, HasSubstr("busy"));
  stop.request_stop();
  thread.join();
}

TEST_F(Agents, StopTheJobWhenTheClientGoes) {
  std::atomic<bool> stopped = false;
  ScriptedRunner runner([&](const Artifact& artifact, const std::stop_token& stop) {
    try {
      return hang(artifact, stop);
    } catch (const Error&) {
      stopped = true;
      throw;
    }
  });
  {
    const AgentServer server(agent_options(), runner);
    EXPECT_EQ(measure(server.port(), ", time_limit_s: 0.3").status, Status::kTimedOut);
    for (int i = 0; i < 500 && !stopped; ++i) std::this_thread::sleep_for(10ms);
    EXPECT_TRUE(stopped);
  }
}

TEST_F(Agents, RefuseMoreBytesThanTheyMayTake) {
  ScriptedRunner runner(hang);
  AgentOptions options = agent_options();
  options.max_artifact_bytes = 1000;
  const AgentServer server(options, runner);
  const Measurement measured = measure(server.port());
  EXPECT_EQ(measured.status, Status::kRefused);
  EXPECT_THAT(measured.reason, HasSubstr("has 3000000 bytes"));
}

/// What a client that is not ours can send.
class HostileClient : public Agents {
 protected:
  HostileClient() : runner_(hang), server_(agent_options(), runner_) {}

  grpc::Status send(const std::vector<v1::MeasureRequest>& requests,
                    const std::string& token = kToken) {
    const auto stub = v1::Agent::NewStub(grpc::CreateChannel(
        fmt::format("127.0.0.1:{}", server_.port()), grpc::InsecureChannelCredentials()));
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + 10s);
    if (!token.empty()) context.AddMetadata("authorization", authorization(token));
    const auto stream = stub->Measure(&context);
    for (const v1::MeasureRequest& request : requests) stream->Write(request);
    stream->WritesDone();
    for (v1::MeasureReply reply; stream->Read(&reply);) {
    }
    return stream->Finish();
  }
  static v1::MeasureRequest header(const std::string& name, const std::string& content) {
    v1::MeasureRequest request;
    request.mutable_header()->set_name(name);
    request.mutable_header()->set_size(content.size());
    request.mutable_header()->set_sha256(sha256(content));
    return request;
  }
  static v1::MeasureRequest chunk(const std::string& content) {
    v1::MeasureRequest request;
    request.set_chunk(content);
    return request;
  }
  static v1::MeasureRequest start(const std::string& name) {
    v1::MeasureRequest request;
    request.mutable_start()->set_name(name);
    return request;
  }

  ScriptedRunner runner_;
  const AgentServer server_;
};

TEST_F(HostileClient, IsNotLetInWithoutTheToken) {
  EXPECT_EQ(send({}, "").error_code(), grpc::UNAUTHENTICATED);
  EXPECT_EQ(send({}, kToken + "x").error_code(), grpc::UNAUTHENTICATED);
  EXPECT_EQ(send({}, kToken.substr(1)).error_code(), grpc::UNAUTHENTICATED);
}

TEST_F(HostileClient, CannotWriteOutsideOfTheJobsFolder) {
  for (const char* name : {"../x", "/tmp/x", "a/b", "", ".", "-x", "a\nb"}) {
    EXPECT_EQ(send({header(name, "abc")}).error_code(), grpc::INVALID_ARGUMENT) << name;
  }
}

TEST_F(HostileClient, IsToldWhatIsWrong) {
  const auto code = [&](const std::vector<v1::MeasureRequest>& requests) {
    return send(requests).error_code();
  };
  EXPECT_EQ(code({start("net")}), grpc::INVALID_ARGUMENT);
  EXPECT_EQ(code({chunk("abc")}), grpc::INVALID_ARGUMENT);
  EXPECT_EQ(code({v1::MeasureRequest()}), grpc::INVALID_ARGUMENT);
  EXPECT_EQ(code({header("net", "abc"), chunk("abcd")}), grpc::INVALID_ARGUMENT);
  EXPECT_EQ(code({header("net", "abc"), chunk("abd"), start("net")}), grpc::INVALID_ARGUMENT);
  EXPECT_EQ(code({header("net", "abc"), chunk("ab"), start("net")}), grpc::INVALID_ARGUMENT);
  EXPECT_EQ(code({header("net", "abc"), chunk("abc"), header("net", "x")}), grpc::INVALID_ARGUMENT);
  EXPECT_EQ(code({header("net", "abc"), chunk("abc"), start("../net")}), grpc::INVALID_ARGUMENT);
  EXPECT_EQ(code({header("net", "abc"), chunk("abc")}), grpc::DEADLINE_EXCEEDED);
}

TEST(AgentServer, DoesNotListenWhereOthersCouldReadTheToken) {
  ScriptedRunner runner(hang);
  AgentOptions options = agent_options();
  options.address = "0.0.0.0:0";
  try {
    const AgentServer server(options, runner);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(error.what(), HasSubstr("--insecure-listen"));
  }
  options.insecure_listen = true;
  EXPECT_GT(AgentServer(options, runner).port(), 0);
}

TEST(AgentServer, SaysThatAnAddressIsTaken) {
  ScriptedRunner runner(hang);
  const AgentServer first(agent_options(), runner);
  AgentOptions options = agent_options();
  options.address = fmt::format("127.0.0.1:{}", first.port());
  EXPECT_THROW(AgentServer(options, runner), Error);
}

TEST_F(Agents, EncryptWithACertificate) {
  if (!has_program("openssl")) GTEST_SKIP() << "there is no 'openssl' to make a certificate";
  const std::string key = (folder_.path() / "key.pem").string();
  const std::string certificate = (folder_.path() / "certificate.pem").string();
  ASSERT_TRUE(run_process({.arguments = {"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
                                         "-keyout", key, "-out", certificate, "-days", "1", "-subj",
                                         "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"},
                           .folder = {},
                           .input = {},
                           .output = {}})
                  .succeeded());
  ScriptedRunner runner(
      [](const Artifact& artifact, const std::stop_token&) { return two_milliseconds(artifact); });
  AgentOptions options = agent_options();
  options.tls_certificate = read_file(certificate, 1 << 20);
  options.tls_key = read_file(key, 1 << 20);
  const AgentServer server(options, runner);
  const std::string trusted = ", time_limit_s: 10, tls_ca: '" + certificate + "'";
  EXPECT_EQ(measure(server.port(), trusted).status, Status::kOk);
  EXPECT_EQ(measure(server.port(), ", time_limit_s: 10").status, Status::kConnectionLost);
}

TEST(AgentProtocol, KnowsAddressesOfThisMachine) {
  for (const char* address :
       {"127.0.0.1:50151", "localhost:1", "[::1]:1", "unix:/run/x", "127.1.2.3:0"}) {
    EXPECT_TRUE(is_loopback(address)) << address;
  }
  for (const char* address : {"0.0.0.0:1", "[::]:1", "192.168.1.2:1", "pi:1", "127.0.0.1.evil:1",
                              "localhost.evil:1", ":1", ""}) {
    EXPECT_FALSE(is_loopback(address)) << address;
  }
}

TEST_F(Agents, AskForTokensThatNobodyGuessesOrReads) {
  const auto refusal = [&](const std::string& text, std::filesystem::perms permissions) {
    const std::filesystem::path file = folder_.path() / "other_token";
    write_file_atomically(file, text);
    std::filesystem::permissions(file, permissions);
    try {
      return "accepted " + read_token(file);
    } catch (const Error& error) {
      return std::string(error.what());
    }
  };
  using std::filesystem::perms;
  EXPECT_EQ(refusal("0123456789abcdef\n", perms::owner_read), "accepted 0123456789abcdef");
  EXPECT_THAT(refusal("0123456789abcde\n", perms::owner_read), HasSubstr("at least 16"));
  EXPECT_THAT(refusal("0123456789abcdef\n", perms::owner_read | perms::others_read),
              HasSubstr("chmod 600"));
}

}  // namespace
}  // namespace hwnas::measurement
