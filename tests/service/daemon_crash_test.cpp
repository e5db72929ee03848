// What hwnasd has acknowledged to its clients survives its being killed at any instant.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <csignal>
#include <map>
#include <mutex>
#include <thread>

#include "core/rng.hpp"
#include "core/sanitizer.hpp"
#include "tests/service/sample_daemon.hpp"

namespace hwnas::service {
namespace {

constexpr int kClients = 4;

int rounds_wanted() {
  const char* wanted = std::getenv("HWNAS_KILLS");
  return wanted == nullptr ? 50 : std::atoi(wanted);
}

/// What clients were answered: the job of each request.
class Acknowledgements {
 public:
  void add(const std::string& request, const v1::SearchJob& job) {
    const std::lock_guard lock(mutex_);
    const auto [known, is_new] = jobs_.emplace(request, job.uid());
    if (!is_new && known->second != job.uid()) ++answered_twice_;
  }
  const std::map<std::string, std::string>& jobs() const { return jobs_; }
  int answered_twice() const { return answered_twice_; }

 private:
  std::mutex mutex_;
  std::map<std::string, std::string> jobs_;
  int answered_twice_ = 0;
};

/// Submits jobs one after the other until the daemon is gone. What was not answered is asked for
/// again, with the same request id, when this client is called again.
class Client {
 public:
  Client(int number, const std::string& experiment) : number_(number), experiment_(experiment) {}

  void submit_until_it_is_gone(Stub& stub, Acknowledgements& acknowledgements) {
    for (;; ++next_) {
      const std::string id = fmt::format("c{}-{}", number_, next_);
      v1::CreateSearchJobRequest request = create_request(experiment_, id);
      request.set_request_id("request-" + id);
      grpc::ClientContext context;
      v1::SearchJob job;
      const grpc::Status status = stub.CreateSearchJob(&context, request, &job);
      if (status.error_code() == grpc::StatusCode::UNAVAILABLE) return;
      ASSERT_TRUE(status.ok()) << status.error_message();
      acknowledgements.add(id, job);
    }
  }

 private:
  const int number_;
  const std::string experiment_;
  int next_ = 0;
};

std::map<std::string, std::string> all_jobs(Stub& stub) {
  std::map<std::string, std::string> jobs;
  v1::ListSearchJobsRequest request;
  request.set_parent("tenants/acme");
  request.set_page_size(1000);
  do {
    grpc::ClientContext context;
    v1::ListSearchJobsResponse page;
    EXPECT_TRUE(stub.ListSearchJobs(&context, request, &page).ok());
    for (const v1::SearchJob& job : page.search_jobs()) {
      const std::string id = job.name().substr(job.name().rfind('/') + 1);
      EXPECT_TRUE(jobs.emplace(id, job.uid()).second) << id << " is listed twice";
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return jobs;
}

TEST(DaemonCrash, KilledAtRandomMomentsUnderFourClientsItLosesNothingAndDoesNothingTwice) {
  const TemporaryFolder folder;
  const SampleExperiment sample = write_sample_experiment(folder);
  const std::vector<std::string> options = {"--datasets", sample.datasets.string(),
                                            "--max-unfinished-of-tenant", "1000000"};
  const auto data = folder / "data";
  Rng rng(1);
  Acknowledgements acknowledgements;
  std::vector<Client> clients;
  for (int i = 0; i < kClients; ++i) clients.emplace_back(i, sample.text);
  for (int round = 0; round < rounds_wanted() && !testing::Test::HasFailure(); ++round) {
    DaemonProcess daemon(data, options);
    const auto stub = connect(data);
    ASSERT_TRUE(stub) << daemon.errors();
    std::vector<std::thread> threads;
    for (Client& client : clients) {
      threads.emplace_back([&] { client.submit_until_it_is_gone(*stub, acknowledgements); });
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1 + rng.index(100)));
    daemon.signal(SIGKILL);
    for (std::thread& thread : threads) thread.join();
  }
  DaemonProcess daemon(data, options);
  const auto stub = connect(data);
  ASSERT_TRUE(stub) << daemon.errors();
  const std::map<std::string, std::string> jobs = all_jobs(*stub);
  int lost = 0;
  for (const auto& [id, uid] : acknowledgements.jobs()) {
    const auto found = jobs.find(id);
    if (found == jobs.end() || found->second != uid) ++lost;
  }
  fmt::print("{} kills, {} acknowledged jobs: {} lost, {} done twice\n", rounds_wanted(),
             acknowledgements.jobs().size(), lost, acknowledgements.answered_twice());
  EXPECT_EQ(lost, 0);
  EXPECT_EQ(acknowledgements.answered_twice(), 0);
  // A sanitizer slows the daemon down, but not the moments at which it is killed.
  EXPECT_GT(acknowledgements.jobs().size(), kHasAddressSanitizer ? 10u : 100u)
      << "too little was done to prove anything";
  // Each client may have been waiting for one answer when the daemon was killed.
  EXPECT_LE(jobs.size(), acknowledgements.jobs().size() + kClients);
}

}  // namespace
}  // namespace hwnas::service
