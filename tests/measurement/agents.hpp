#pragma once

#include <arpa/inet.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <thread>

#include "hwnas/v1/agent.grpc.pb.h"
#include "measurement/agent_server.hpp"
#include "tests/measurement/artifacts.hpp"

namespace hwnas::measurement {

inline const std::string kToken = "a token for tests, 0123456789";

/// A runner that does what the test says.
class ScriptedRunner : public Runner {
 public:
  using Script = std::function<Measurement(const Artifact&, std::stop_token)>;
  explicit ScriptedRunner(Script script) : script_(std::move(script)) {}
  std::string_view name() const override { return "scripted"; }
  Measurement measure(const Artifact& artifact, std::stop_token stop) override {
    return script_(artifact, stop);
  }

 private:
  Script script_;
};

/// A measurement of 2 ms.
inline Measurement two_milliseconds(const Artifact& artifact) {
  Measurement result = begun(artifact, "scripted", estimators::Origin::kMeasured);
  result.status = Status::kOk;
  result.latency = estimators::summarize({2, 2, 2});
  return result;
}

/// Does nothing until it is told to stop.
inline Measurement hang(const Artifact&, const std::stop_token& stop) {
  while (!stop.stop_requested()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  throw Error(ErrorCode::kCancelled, "stopped");
}

inline AgentOptions agent_options() {
  AgentOptions options;
  options.address = "127.0.0.1:0";
  options.token = kToken;
  return options;
}

/// The runner that talks to an agent on a port, as users configure it.
inline std::unique_ptr<Runner> client(const std::filesystem::path& folder, int port,
                                      const std::string& more = "", std::string token = kToken) {
  write_file_atomically(folder / "token", token + "\n");
  std::filesystem::permissions(folder / "token", std::filesystem::perms::owner_read);
  return runner_of(fmt::format("{{runner: agent, address: '127.0.0.1:{}', token_file: '{}'{}}}",
                               port, (folder / "token").string(), more));
}

/// An agent that answers every call as the test says.
class FakeAgent : public v1::Agent::Service {
 public:
  using Stream = grpc::ServerReaderWriter<v1::MeasureReply, v1::MeasureRequest>;
  using Script = std::function<grpc::Status(grpc::ServerContext&, Stream&)>;
  explicit FakeAgent(Script script) : script_(std::move(script)) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~FakeAgent() override { server_->Shutdown(std::chrono::system_clock::now()); }
  int port() const { return port_; }

  grpc::Status Measure(grpc::ServerContext* context, Stream* stream) override {
    return script_(*context, *stream);
  }

 private:
  Script script_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

/// Listens on a port and treats each connection as the test says; no gRPC.
class RawServer {
 public:
  explicit RawServer(std::function<void(int socket)> treat) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), length), 0);
    EXPECT_EQ(::listen(listener_, 8), 0);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this, treat = std::move(treat)] {
      for (int socket; (socket = ::accept(listener_, nullptr, nullptr)) >= 0;) {
        treat(socket);
        sockets_.push_back(socket);
      }
    });
  }
  ~RawServer() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
    for (const int socket : sockets_) ::close(socket);
  }
  RawServer(const RawServer&) = delete;
  RawServer& operator=(const RawServer&) = delete;
  int port() const { return port_; }

 private:
  int listener_ = -1;
  int port_ = 0;
  std::vector<int> sockets_;
  std::thread thread_;
};

}  // namespace hwnas::measurement
