// hwnasd under calls that nobody should make: each is answered as it should be, memory does not
// grow, and another tenant hardly notices.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <future>
#include <thread>

#include "core/sanitizer.hpp"
#include "service/worker_pool.hpp"
#include "tests/service/abuse_cases.hpp"
#include "tests/service/sample_daemon.hpp"

namespace hwnas::service {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr const char* kVictimToken = "victim-0123456789abcdef";
constexpr double kMaxGrowthMib = 64;
// What a doubled percentile means is lost in the scheduler's noise below this.
constexpr double kFloorMs = 40;
constexpr std::size_t kCasesOfTurn = 25;

void authorize(grpc::ClientContext& context, const std::string& token) {
  context.AddMetadata("authorization", "Bearer " + token);
  context.set_deadline(std::chrono::system_clock::now() + 30s);
}

/// "VmRSS" or "VmHWM" of a process.
double mib_of(pid_t pid, const std::string& what) {
  std::ifstream status(fmt::format("/proc/{}/status", pid));
  for (std::string word; status >> word;) {
    double kib = 0;
    if (word == what + ":" && status >> kib) return kib / 1024;
  }
  return 0;
}

/// By other programs, which then decide how long a call takes.
bool machine_is_overloaded() {
  double load = 0;
  return getloadavg(&load, 1) == 1 && load > 2 * std::thread::hardware_concurrency();
}

double percentile_99(std::vector<double> values) {
  std::ranges::sort(values);
  return values.at(values.size() * 99 / 100);
}

/// A tenant that does nothing wrong: it calls all the time, on a thread of its own, and notes how
/// long that takes while others abuse the daemon and while they do not.
class Victim {
 public:
  Victim(Stub& stub, std::string job) : stub_(stub), job_(std::move(job)) {}
  ~Victim() { stop(); }

  void set_abused(bool abused) { abused_ = abused; }
  void stop() {
    stopped_ = true;
    if (thread_.joinable()) thread_.join();
  }

  // After stop().
  const std::string& failures() const { return failures_; }
  double quiet_ms() const { return percentile_99(quiet_); }
  double abused_ms() const { return percentile_99(abused_times_); }

 private:
  void serve() {
    while (!stopped_) {
      const bool abused = abused_;
      const auto begin = Clock::now();
      call();
      const double ms = std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
      (abused || abused_ ? abused_times_ : quiet_).push_back(ms);
    }
  }
  void call() {
    grpc::ClientContext context;
    authorize(context, kVictimToken);
    v1::GetSearchJobRequest request;
    request.set_name(job_);
    v1::SearchJob job;
    const grpc::Status status = stub_.GetSearchJob(&context, request, &job);
    if (!status.ok()) failures_ += status.error_message() + "\n";
  }

  Stub& stub_;
  const std::string job_;
  std::string failures_;
  std::vector<double> quiet_;
  std::vector<double> abused_times_;
  std::atomic<bool> abused_ = false;
  std::atomic<bool> stopped_ = false;
  std::thread thread_{[this] { serve(); }};  // last: it uses all of the above
};

class AbuseTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(stub_) << daemon_.errors();
    target_ = {sample_.text, create("acme", kAttackerToken, "own"),
               create("bolt", kVictimToken, "quiet"), ""};
    create("acme", kAttackerToken, "second");
    wait_for(target_.own_job, kAttackerToken);
    wait_for(target_.foreign_job, kVictimToken);
    grpc::ClientContext context;
    authorize(context, kAttackerToken);
    v1::ListSearchJobsRequest request;
    request.set_parent("tenants/acme");
    request.set_page_size(1);
    v1::ListSearchJobsResponse page;
    ASSERT_TRUE(stub_->ListSearchJobs(&context, request, &page).ok());
    target_.page_token = page.next_page_token();
  }

  std::string write_tokens() const {
    const auto file =
        folder_.write("tokens", fmt::format("acme write {}\nacme read {}\nbolt write {}\n",
                                            kAttackerToken, kReaderToken, kVictimToken));
    std::filesystem::permissions(file, std::filesystem::perms(0600));
    return file.string();
  }

  std::string create(const std::string& tenant, const std::string& token, const std::string& id) {
    v1::CreateSearchJobRequest request = create_request(sample_.text, id);
    request.set_parent("tenants/" + tenant);
    request.set_request_id(id == "own" ? "used" : "");
    grpc::ClientContext context;
    authorize(context, token);
    v1::SearchJob job;
    const grpc::Status status = stub_->CreateSearchJob(&context, request, &job);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return job.name();
  }

  void wait_for(const std::string& job, const std::string& token) {
    v1::GetSearchJobRequest request;
    request.set_name(job);
    v1::SearchJob read;
    while (read.state() != v1::SearchJob::SUCCEEDED) {
      grpc::ClientContext context;
      authorize(context, token);
      ASSERT_TRUE(stub_->GetSearchJob(&context, request, &read).ok());
      ASSERT_NE(read.state(), v1::SearchJob::FAILED) << read.error().message();
      std::this_thread::sleep_for(20ms);
    }
  }

  grpc::Status call(const AbuseCase& abuse) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + 30s);
    for (const auto& [key, value] : abuse.metadata) context.AddMetadata(key, value);
    if (abuse.by_attacker) {
      context.AddMetadata("authorization", std::string("Bearer ") + kAttackerToken);
    }
    if (abuse.compressed) context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
    const std::string method =
        abuse.method.starts_with('/') ? abuse.method : "/hwnas.v1.SearchService/" + abuse.method;
    const grpc::Slice slice(abuse.request);
    const grpc::ByteBuffer request(&slice, 1);
    grpc::ByteBuffer response;
    std::promise<grpc::Status> status;
    attacker_.submit([&] {
      grpc::GenericStub(channel_).UnaryCall(
          &context, method, {}, &request, &response,
          [&](grpc::Status answer) { status.set_value(std::move(answer)); });
    });
    return status.get_future().get();
  }

  /// Writes bytes to the daemon's socket and leaves without reading an answer.
  void write_bytes(const std::string& bytes) const {
    const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    (data_ / "hwnasd.sock").string().copy(address.sun_path, sizeof(address.sun_path) - 1);
    ASSERT_EQ(::connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    std::size_t sent = 0;
    while (sent < bytes.size()) {
      const ssize_t count =
          ::send(descriptor, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (count <= 0) break;  // it has hung up, as it may
      sent += static_cast<std::size_t>(count);
    }
    ::close(descriptor);
  }

  const TemporaryFolder folder_;
  const std::filesystem::path data_ = folder_ / "data";
  const SampleExperiment sample_ = write_sample_experiment(folder_);
  DaemonProcess daemon_{data_,
                        {"--datasets", sample_.datasets.string(), "--tokens", write_tokens()}};
  const std::unique_ptr<Stub> stub_ = connect(data_);
  const std::shared_ptr<grpc::Channel> channel_ = grpc::CreateChannel(
      "unix:" + (data_ / "hwnasd.sock").string(), grpc::InsecureChannelCredentials());
  AbuseTarget target_;
  /// Packs and sends. That costs an attacker's own machine, not the one that the victim needs.
  WorkerPool attacker_{1, 1, WorkerPool::kLowPriority};
};

TEST_F(AbuseTest, IsAnsweredAsItShouldBeAndHardlyNoticedByOthers) {
  const std::vector<AbuseCase> cases = abuse_cases(target_);
  const double before_mib = mib_of(daemon_.pid(), "VmRSS");
  Victim victim(*stub_, target_.foreign_job);
  // By turns, so that what else the machine does counts on both sides.
  for (std::size_t first = 0; first < cases.size(); first += kCasesOfTurn) {
    const auto begin = Clock::now();
    victim.set_abused(true);
    for (std::size_t i = first; i < std::min(first + kCasesOfTurn, cases.size()); ++i) {
      const grpc::Status status = call(cases[i]);
      EXPECT_EQ(status.error_code(), cases[i].expected)
          << cases[i].name << ": " << status.error_message();
      EXPECT_THAT(status.error_message(), testing::HasSubstr(cases[i].message)) << cases[i].name;
    }
    victim.set_abused(false);
    std::this_thread::sleep_for(Clock::now() - begin);
  }
  victim.set_abused(true);
  const auto bytes = abusive_bytes();
  for (const auto& [name, sent] : bytes) {
    SCOPED_TRACE(name);
    write_bytes(sent);
  }
  victim.stop();

  EXPECT_EQ(victim.failures(), "");
  const double growth_mib = mib_of(daemon_.pid(), "VmHWM") - before_mib;
  if (!machine_is_overloaded()) {
    EXPECT_LE(victim.abused_ms(), std::max(2 * victim.quiet_ms(), kFloorMs));
  }
  if (!kHasAddressSanitizer) {
    EXPECT_LE(growth_mib, kMaxGrowthMib);
  }
  EXPECT_GE(cases.size() + bytes.size(), 100u);
  fmt::print(
      "{} cases; the daemon grew by {:.1f} MiB at most; another tenant's 99th percentile "
      "{:.2f} ms, meanwhile {:.2f} ms\n",
      cases.size() + bytes.size(), growth_mib, victim.quiet_ms(), victim.abused_ms());
}

}  // namespace
}  // namespace hwnas::service
