#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <memory>
#include <semaphore>
#include <string>

#include "cli/command.hpp"
#include "cli/interrupt.hpp"
#include "cli/runner_options.hpp"
#include "core/file.hpp"
#include "measurement/agent_protocol.hpp"
#include "measurement/agent_server.hpp"

namespace hwnas::cli {
namespace {

constexpr std::uintmax_t kMaxPemBytes = 1 << 20;

struct Options : RunnerOptions {
  std::string token_file;
  std::string certificate_file;
  std::string key_file;
  measurement::AgentOptions agent;
  std::string work_folder;
};

void serve(const Options& options, const Invocation& invocation) {
  const auto runner = make_runner(options);
  measurement::AgentOptions agent = options.agent;
  agent.token = measurement::read_token(options.token_file);
  agent.work_folder = options.work_folder;
  if (!options.certificate_file.empty()) {
    agent.tls_certificate = read_file(options.certificate_file, kMaxPemBytes);
    agent.tls_key = read_file(options.key_file, kMaxPemBytes);
  }
  std::binary_semaphore stopped(0);
  const InterruptGuard guard([&] { stopped.release(); });
  const measurement::AgentServer server(agent, *runner);
  if (invocation.json)
    print_json({{"port", server.port()}, {"runner", runner->name()}});
  else
    fmt::print("measuring with '{}' for clients of port {}; Ctrl-C ends it\n", runner->name(),
               server.port());
  std::fflush(stdout);
  stopped.acquire();
}

}  // namespace

void add_agent(CLI::App& app, Invocation& invocation) {
  CLI::App* command = add_command(
      app,
      {"agent",
       "Measure on this device what `hwnas` elsewhere sends",
       {"hwnas agent --token-file token", "hwnas agent --token-file token --config benchmark.yaml",
        "hwnas agent --listen 0.0.0.0:50151 --token-file token --tls-cert cert.pem --tls-key "
        "key.pem"}},
      invocation);
  auto options = std::make_shared<Options>();
  command->add_option("--listen", options->agent.address, "Address to listen on")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  command->add_option("--token-file", options->token_file, "What clients must know to be let in")
      ->type_name("FILE")
      ->required();
  command->add_option("--workdir", options->work_folder, "Folder for the files of a job")
      ->type_name("DIR");
  add_runner_options(*command, *options);
  CLI::Option* certificate = command->add_option("--tls-cert", options->certificate_file,
                                                 "Certificate (PEM), to encrypt connections");
  certificate->type_name("FILE");
  CLI::Option* key = command->add_option("--tls-key", options->key_file, "Its key (PEM)");
  key->type_name("FILE")->needs(certificate);
  certificate->needs(key);
  command->add_flag("--insecure-listen", options->agent.insecure_listen,
                    "Listen without TLS where others can connect");
  command->callback([options, &invocation] { serve(*options, invocation); });
}

}  // namespace hwnas::cli
