// Every runner against programs and peers that misbehave in every way: a failed measurement with
// the reason, in time.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <set>

#include "core/error.hpp"
#include "tests/core/temporary_folder.hpp"
#include "tests/measurement/agents.hpp"
#include "tests/measurement/firmwares.hpp"

namespace hwnas::measurement {
namespace {

using namespace std::chrono_literals;
using testing::ContainerEq;

enum class Fault { kHangs, kCrashes, kPrintsRubbish, kPrintsGigabytes, kLosesConnection };

/// A runner and an artifact that will fail, with what must live as long.
struct Scenario {
  std::unique_ptr<Runner> runner;
  Artifact artifact;
  std::shared_ptr<void> peer = {};
};

struct Hostile {
  std::string name;
  std::string runner;
  Fault fault;
  Status expected;
  std::function<Scenario(const std::filesystem::path& folder)> make;
};

void PrintTo(const Hostile& hostile, std::ostream* stream) {
  *stream << hostile.name;
}

Hostile host_case(const std::string& name, Fault fault, Status expected, const std::string& text) {
  return {"host_" + name, "host", fault, expected, [=](const auto& folder) {
            return Scenario{runner_of("{runner: host, max_seconds: 0.1, time_limit_s: 0.5}"),
                            script(folder, text)};
          }};
}

Hostile command_case(const std::string& name, Fault fault, Status expected,
                     const std::string& text) {
  return {"command_" + name, "command", fault, expected, [=](const auto& folder) {
            write_file_atomically(folder / "net.onnx", "x");
            const Artifact program = script(folder, text);
            return Scenario{runner_of(fmt::format("{{runner: command, command: ['{}'], pattern: "
                                                  "'([0-9.e-]+) ms', time_limit_s: 0.5}}",
                                                  program.main_file().string())),
                            artifact_of(folder / "net.onnx")};
          }};
}

Hostile firmware_case(const std::string& name, Fault fault, Status expected,
                      const std::string& body) {
  return {"qemu_" + name, "qemu_cortex_m", fault, expected, [=](const auto& folder) {
            return Scenario{runner_of("{runner: qemu_cortex_m, time_limit_s: 2}"),
                            firmware(folder,
                                     "int run_once(void);\n"
                                     "static void call(unsigned operation, const void *text) "
                                     "{\n  register unsigned r0 __asm__(\"r0\") = operation;\n"
                                     "  register const void *r1 __asm__(\"r1\") = text;\n"
                                     "  __asm__ volatile(\"bkpt 0xAB\" : \"+r\"(r0) : \"r\"(r1)"
                                     " : \"memory\");\n}\n"
                                     "int run_once(void) {\n  (void)call;\n" +
                                         body + "\n  return 0;\n}\n")};
          }};
}

Scenario agent_scenario(const std::filesystem::path& folder, int port, std::shared_ptr<void> peer,
                        const std::string& more = ", time_limit_s: 1.5, silence_s: 0.5") {
  write_file_atomically(folder / "net.onnx", std::string(1 << 20, 'x'));
  return {client(folder, port, more), artifact_of(folder / "net.onnx"), std::move(peer)};
}

Hostile fake_agent_case(const std::string& name, Fault fault, Status expected,
                        const FakeAgent::Script& answer) {
  return {"agent_" + name, "agent", fault, expected, [=](const auto& folder) {
            const auto agent = std::make_shared<FakeAgent>(answer);
            return agent_scenario(folder, agent->port(), agent);
          }};
}

Hostile raw_server_case(const std::string& name, Fault fault,
                        const std::function<void(int)>& treat) {
  return {"agent_" + name, "agent", fault, Status::kConnectionLost, [=](const auto& folder) {
            const auto server = std::make_shared<RawServer>(treat);
            return agent_scenario(folder, server->port(), server);
          }};
}

std::vector<Hostile> host_cases() {
  using enum Fault;
  return {
      host_case("hangs", kHangs, Status::kTimedOut, "sleep 60"),
      host_case("hangs_with_a_helper", kHangs, Status::kTimedOut, "sleep 60 & sleep 60"),
      host_case("ignores_signals", kHangs, Status::kTimedOut,
                "trap '' TERM INT HUP; while :; do sleep 1; done"),
      host_case("crashes", kCrashes, Status::kCrashed, "kill -SEGV $$"),
      host_case("ends_with_an_error", kCrashes, Status::kCrashed, "echo run_ns 1000; exit 3"),
      host_case("prints_rubbish", kPrintsRubbish, Status::kRubbish, "head -c 1000 /dev/urandom"),
      host_case("prints_nothing", kPrintsRubbish, Status::kRubbish, "exit 0"),
      host_case("prints_gigabytes", kPrintsGigabytes, Status::kRubbish, "yes run_ns 1000"),
      host_case("kills_its_parent_shell", kLosesConnection, Status::kCrashed, "kill -KILL $$"),
  };
}

std::vector<Hostile> command_cases() {
  using enum Fault;
  return {
      command_case("hangs", kHangs, Status::kTimedOut, "echo 3 ms; sleep 60"),
      command_case("crashes", kCrashes, Status::kCrashed, "kill -ABRT $$"),
      command_case("ends_with_an_error", kCrashes, Status::kCrashed, "echo 3 ms; exit 1"),
      command_case("prints_rubbish", kPrintsRubbish, Status::kRubbish, "echo hello"),
      command_case("prints_a_negative_time", kPrintsRubbish, Status::kRubbish, "echo -3 ms"),
      command_case("prints_an_impossible_time", kPrintsRubbish, Status::kRubbish, "echo 1e999 ms"),
      command_case("prints_gigabytes", kPrintsGigabytes, Status::kRubbish, "yes 3 ms"),
      command_case("prints_gigabytes_of_errors", kPrintsGigabytes, Status::kRubbish,
                   "yes 3 ms >&2"),
      command_case("loses_its_connection", kLosesConnection, Status::kConnectionLost, "exit 255"),
      {"command_is_not_there", "command", kLosesConnection, Status::kConnectionLost,
       [](const auto& folder) {
         write_file_atomically(folder / "net.onnx", "x");
         return Scenario{runner_of("{runner: command, command: no-such-tool, pattern: '(7)'}"),
                         artifact_of(folder / "net.onnx")};
       }},
  };
}

std::vector<Hostile> qemu_cases() {
  using enum Fault;
  return {
      firmware_case("hangs", kHangs, Status::kTimedOut, "  for (;;) {}"),
      firmware_case("fails", kCrashes, Status::kCrashed, "  return 1;"),
      firmware_case("jumps_into_nowhere", kCrashes, Status::kCrashed,
                    "  ((void (*)(void))0x60000001)();"),
      firmware_case("overflows_its_stack", kCrashes, Status::kCrashed,
                    "  volatile char large[100000];\n"
                    "  for (int i = 0; i < 100000; i++) large[i] = 1;"),
      firmware_case("prints_rubbish", kPrintsRubbish, Status::kRubbish,
                    "  call(4, \"ticks of a clock\\n\");\n  call(0x18, (void *)0x20026);"),
      firmware_case(
          "prints_gigabytes", kPrintsGigabytes, Status::kRubbish,
          "  for (;;) call(4, \"ticks 0x5 ticks 0x5 ticks 0x5 ticks 0x5 ticks 0x5\\n\");"),
      {"qemu_is_given_no_firmware", "qemu_cortex_m", kLosesConnection, Status::kCrashed,
       [](const auto& folder) {
         write_file_atomically(folder / "net.elf", "no ELF at all");
         return Scenario{runner_of("{runner: qemu_cortex_m, time_limit_s: 2}"),
                         artifact_of(folder / "net.elf")};
       }},
  };
}

grpc::Status read_all(FakeAgent::Stream& stream) {
  for (v1::MeasureRequest request; stream.Read(&request) && !request.has_start();) {
  }
  return grpc::Status::OK;
}

grpc::Status answer(FakeAgent::Stream& stream, const std::string& text) {
  read_all(stream);
  v1::MeasureReply reply;
  reply.set_measurement(text);
  stream.Write(reply);
  return grpc::Status::OK;
}

std::vector<Hostile> agent_cases() {
  using enum Fault;
  using Context = grpc::ServerContext;
  using Stream = FakeAgent::Stream;
  const auto until_cancelled = [](const Context& context) {
    while (!context.IsCancelled()) std::this_thread::sleep_for(5ms);
    return grpc::Status::OK;
  };
  return {
      fake_agent_case("says_nothing", kHangs, Status::kConnectionLost,
                      [=](Context& context, Stream&) { return until_cancelled(context); }),
      fake_agent_case("measures_without_end", kHangs, Status::kTimedOut,
                      [](Context& context, Stream& stream) {
                        read_all(stream);
                        v1::MeasureReply reply;
                        reply.mutable_progress()->set_seconds(1);
                        while (!context.IsCancelled() && stream.Write(reply)) {
                          std::this_thread::sleep_for(100ms);
                        }
                        return grpc::Status::OK;
                      }),
      fake_agent_case("fails", kCrashes, Status::kConnectionLost,
                      [](Context&, Stream&) -> grpc::Status {
                        return {grpc::INTERNAL, "out of order"};
                      }),
      fake_agent_case("does_not_know_the_call", kCrashes, Status::kConnectionLost,
                      [](Context&, Stream&) -> grpc::Status {
                        return {grpc::UNIMPLEMENTED, "what?"};
                      }),
      fake_agent_case("answers_rubbish", kPrintsRubbish, Status::kRubbish,
                      [](Context&, Stream& stream) { return answer(stream, "{\"status\": "); }),
      fake_agent_case("answers_no_measurement", kPrintsRubbish, Status::kRubbish,
                      [](Context&, Stream& stream) { return answer(stream, "[1, 2, 3]"); }),
      fake_agent_case("answers_about_another_file", kPrintsRubbish, Status::kRubbish,
                      [](Context&, Stream& stream) {
                        return answer(stream, R"({"status": "ok", "origin": "measured",)"
                                              R"( "network": "net", "runs_ms": [1]})");
                      }),
      fake_agent_case("closes_the_stream_half_way", kPrintsRubbish, Status::kRubbish,
                      [](Context&, Stream& stream) {
                        v1::MeasureRequest request;
                        stream.Read(&request);
                        return grpc::Status::OK;
                      }),
      fake_agent_case("answers_gigabytes", kPrintsGigabytes, Status::kRubbish,
                      [](Context&, Stream& stream) {
                        return answer(stream, std::string(std::size_t{20} << 20, ' '));
                      }),
      fake_agent_case("denies_the_token", kLosesConnection, Status::kConnectionLost,
                      [](Context&, Stream&) -> grpc::Status {
                        return {grpc::UNAUTHENTICATED, "the token is missing or wrong"};
                      }),
      raw_server_case("accepts_and_says_nothing", kHangs, [](int) {}),
      raw_server_case("hangs_up", kLosesConnection,
                      [](int socket) { ::shutdown(socket, SHUT_RDWR); }),
      raw_server_case("speaks_another_language", kPrintsRubbish,
                      [](int socket) {
                        const std::string text = "HTTP/1.1 200 OK\r\n\r\nhello";
                        EXPECT_GT(::send(socket, text.data(), text.size(), MSG_NOSIGNAL), 0);
                      }),
      {"agent_is_not_there", "agent", kLosesConnection, Status::kConnectionLost,
       [](const auto& folder) { return agent_scenario(folder, 1, nullptr); }},
      {"agent_goes_away_during_the_job", "agent", kLosesConnection, Status::kConnectionLost,
       [](const auto& folder) {
         struct Peer {
           ScriptedRunner runner{hang};
           std::unique_ptr<AgentServer> server =
               std::make_unique<AgentServer>(agent_options(), runner);
           std::jthread killer;
         };
         const auto peer = std::make_shared<Peer>();
         const int port = peer->server->port();
         peer->killer = std::jthread([p = peer.get()] {
           std::this_thread::sleep_for(300ms);
           p->server.reset();
         });
         return agent_scenario(folder, port, peer, ", time_limit_s: 8, silence_s: 8");
       }},
  };
}

std::vector<Hostile> all_cases() {
  std::vector<Hostile> all;
  for (const auto& cases : {host_cases(), command_cases(), qemu_cases(), agent_cases()}) {
    all.insert(all.end(), cases.begin(), cases.end());
  }
  return all;
}

class EveryRunner : public testing::TestWithParam<Hostile> {};
INSTANTIATE_TEST_SUITE_P(Against, EveryRunner, testing::ValuesIn(all_cases()),
                         [](const auto& test) { return test.param.name; });

TEST_P(EveryRunner, FailsWithTheReasonAndInTime) {
  const Hostile& hostile = GetParam();
  if (hostile.runner == "qemu_cortex_m" && !can_emulate()) {
    GTEST_SKIP() << "needs Debian's gcc-arm-none-eabi and qemu-system-arm";
  }
  const TemporaryFolder folder;
  const Scenario scenario = hostile.make(folder.path());
  const auto start = std::chrono::steady_clock::now();
  const Measurement measured = scenario.runner->measure(scenario.artifact);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 12s);
  EXPECT_EQ(to_string(measured.status), to_string(hostile.expected)) << measured.reason;
  EXPECT_NE(measured.reason, "");
  EXPECT_EQ(measured.network, scenario.artifact.name);
  EXPECT_LT(measured.reason.size(), 2000);
  EXPECT_EQ(to_json(measurement_from_json(to_json(measured))), to_json(measured));
}

TEST(Runners, AreAllHeldAgainstEveryFault) {
  std::set<std::pair<std::string, Fault>> covered;
  for (const Hostile& hostile : all_cases()) covered.emplace(hostile.runner, hostile.fault);
  std::set<std::pair<std::string, Fault>> wanted;
  for (const RunnerInfo& row : runners()) {
    for (int fault = 0; fault <= static_cast<int>(Fault::kLosesConnection); ++fault) {
      wanted.emplace(row.name, static_cast<Fault>(fault));
    }
  }
  EXPECT_THAT(covered, ContainerEq(wanted));
}

TEST(Runners, AreMadeByNameAndRefuseUnknownOptions) {
  for (const RunnerInfo& row : runners()) {
    try {
      runner_of(fmt::format("{{runner: {}, no_such_option: 1}}", row.name));
      ADD_FAILURE() << row.name;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr("no_such_option")) << row.name;
    }
  }
  EXPECT_THROW(runner_of("{runner: hots}"), Error);
}

TEST(Runners, SayWhichOptionsTheyTake) {
  for (const RunnerInfo& row : runners()) {
    std::string text(row.options);
    for (std::size_t place; (place = text.find('(')) != std::string::npos;) {
      text.erase(place, text.find(')', place) - place + 1);
    }
    // Options are read with every value null, which counts as absent: none may be unknown.
    std::string yaml = fmt::format("runner: {}\n", row.name);
    std::istringstream names(text);
    for (std::string name; std::getline(names, name, ',');) {
      name.erase(std::remove(name.begin(), name.end(), ' '), name.end());
      yaml += name + ": ~\n";
    }
    try {
      runner_of(yaml);
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), testing::Not(testing::HasSubstr("unknown"))) << row.name;
    }
  }
}

}  // namespace
}  // namespace hwnas::measurement
