// What hwnasd does for 8 clients of its Vizier interface in a second: a daemon of its own, with its
// data on the disk of the folder it is given.
//
//   build/release/bench/vizier_load --figure transitions
//
// transitions: trials created and completed, a call each, over a Unix socket; every one is on the
// disk before it is answered. Expected: at least 5,000 a second.
// cycles: the same clients asking for a trial and completing it, all on one study, with the default
// algorithm (a cycle is two calls).

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <thread>
#include <vector>

#include "bench/call_rate.hpp"
#include "bench/daemon_process.hpp"
#include "core/error.hpp"
#include "core/scratch_folder.hpp"
#include "vizier/vizier_service.grpc.pb.h"

namespace {

using namespace hwnas;
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;
using Stub = vizier::VizierService::Stub;

constexpr int kClients = 8;
constexpr Seconds kDuration{5};
constexpr Seconds kWarmUp{0.5};

std::unique_ptr<Stub> connect(const bench::DaemonProcess& daemon) {
  const auto channel = daemon.connect();
  if (!channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(30))) {
    throw error(ErrorCode::kUnavailable, "the daemon does not answer within 30 s");
  }
  return vizier::VizierService::NewStub(channel);
}

template <typename Request, typename Response>
Response call(Stub& stub,
              grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
              const Request& request) {
  grpc::ClientContext context;
  Response response;
  const grpc::Status status = (stub.*method)(&context, request, &response);
  if (!status.ok()) throw error(ErrorCode::kUnavailable, "{}", status.error_message());
  return response;
}

std::string create_study(Stub& stub, const std::string& name) {
  vizier::CreateStudyRequest request;
  request.set_parent("owners/acme");
  request.mutable_study()->set_display_name(name);
  auto& spec = *request.mutable_study()->mutable_study_spec();
  auto& metric = *spec.add_metrics();
  metric.set_metric_id("accuracy");
  metric.set_goal(vizier::StudySpec::MetricSpec::MAXIMIZE);
  for (const char* id : {"learning_rate", "dropout", "momentum", "decay"}) {
    auto& parameter = *spec.add_parameters();
    parameter.set_parameter_id(id);
    parameter.mutable_double_value_spec()->set_max_value(1);
  }
  return call(stub, &Stub::CreateStudy, request).name();
}

vizier::Trial trial_of(int number) {
  vizier::Trial trial;
  for (const char* id : {"learning_rate", "dropout", "momentum", "decay"}) {
    auto& parameter = *trial.add_parameters();
    parameter.set_parameter_id(id);
    parameter.mutable_value()->set_number_value(number % 1000 / 1000.0);
  }
  return trial;
}

void complete(Stub& stub, const std::string& trial, double value) {
  vizier::CompleteTrialRequest request;
  request.set_name(trial);
  auto& metric = *request.mutable_final_measurement()->add_metrics();
  metric.set_metric_id("accuracy");
  metric.set_value(value);
  call(stub, &Stub::CompleteTrial, request);
}

/// A client's endless work: does one call.
using Step = std::function<void()>;

/// Creates trials, and completes them: 500 of each by turns. In between one suggestion makes the
/// created ones ACTIVE, so that they can be completed; it counts as a call, as each other does.
struct TrialWriter {
  Stub& stub;
  std::string study;
  std::string client;
  int number = 0;
  std::vector<std::string> active = {};
  int created = 0;

  void step() {
    constexpr int kBatch = 500;
    if (created < kBatch) {
      vizier::CreateTrialRequest request;
      request.set_parent(study);
      *request.mutable_trial() = trial_of(++number);
      call(stub, &Stub::CreateTrial, request);
      ++created;
      return;
    }
    if (active.empty()) take();
    complete(stub, active.back(), number * 1e-6);
    active.pop_back();
    if (active.empty()) created = 0;
  }

  void take() {
    vizier::SuggestTrialsRequest request;
    request.set_parent(study);
    request.set_client_id(client);
    request.set_suggestion_count(created);
    vizier::SuggestTrialsResponse response;
    call(stub, &Stub::SuggestTrials, request).response().UnpackTo(&response);
    for (const vizier::Trial& trial : response.trials()) active.push_back(trial.name());
  }
};

struct Cycle {
  Stub& stub;
  std::string study;
  std::string client;

  void step() {
    vizier::SuggestTrialsRequest request;
    request.set_parent(study);
    request.set_client_id(client);
    request.set_suggestion_count(1);
    vizier::SuggestTrialsResponse response;
    call(stub, &Stub::SuggestTrials, request).response().UnpackTo(&response);
    const auto& parameters = response.trials(0).parameters();
    complete(stub, response.trials(0).name(), parameters[0].value().number_value());
  }
};

/// Of all clients in kDuration, after kWarmUp.
double rate_of(std::vector<Step> steps) {
  std::vector<std::vector<double>> milliseconds(steps.size());
  std::atomic<bool> failed = false;
  std::vector<std::thread> threads;
  const Clock::time_point start = Clock::now();
  for (std::size_t i = 0; i < steps.size(); ++i) {
    threads.emplace_back([&, i] {
      try {
        while (Clock::now() - start < kWarmUp + kDuration) {
          const Clock::time_point before = Clock::now();
          steps[i]();
          if (before - start < kWarmUp) continue;
          milliseconds[i].push_back(Seconds(Clock::now() - before).count() * 1e3);
        }
      } catch (const Error& failure) {
        fmt::print(stderr, "client {}: {}\n", i, failure.what());
        failed = true;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  if (failed) throw error(ErrorCode::kUnavailable, "a client could not go on");
  return bench::call_rate(milliseconds, Seconds(Clock::now() - start).count() - kWarmUp.count());
}

double measure(const bench::DaemonProcess& daemon, const std::string& figure) {
  std::vector<std::unique_ptr<Stub>> stubs;
  for (int i = 0; i < kClients; ++i) stubs.push_back(connect(daemon));
  std::vector<Step> steps;
  for (int i = 0; i < kClients; ++i) {
    Stub& stub = *stubs[static_cast<std::size_t>(i)];
    const std::string client = fmt::format("client{}", i);
    if (figure == "cycles") {
      const std::string study = create_study(stub, "all");
      steps.push_back([cycle = Cycle{stub, study, client}]() mutable { cycle.step(); });
    } else {
      const std::string study = create_study(stub, client);
      steps.push_back([writer = TrialWriter{stub, study, client}]() mutable { writer.step(); });
    }
  }
  return rate_of(std::move(steps));
}

}  // namespace

int main(int argc, char** argv) try {
  CLI::App app("Durable changes of trials a second over hwnasd's Vizier interface, with 8 clients");
  std::string figure = "transitions";
  std::string program = (fs::path(argv[0]).parent_path() / "../cli/hwnasd").string();
  fs::path parent = fs::current_path();
  app.add_option("--figure", figure)->check(CLI::IsMember({"transitions", "cycles"}));
  app.add_option("--daemon", program, "[hwnasd of the same build]");
  app.add_option("--folder", parent, "on the disk to be used");
  CLI11_PARSE(app, argc, argv);
  const ScratchFolder folder(parent);
  const bench::DaemonProcess daemon(program, folder.path() / "data", {});
  fmt::print("{:.0f}\n", measure(daemon, figure));
  return 0;
} catch (const hwnas::Error& failure) {
  fmt::print(stderr, "vizier_load: {}\n", failure.what());
  return 1;
}
