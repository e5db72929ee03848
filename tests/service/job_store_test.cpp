#include "service/job_store.hpp"

#include <gmock/gmock.h>

#include <future>
#include <set>
#include <thread>

#include "tests/core/temporary_folder.hpp"
#include "tests/service/sample_jobs.hpp"

namespace hwnas::service {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// Gives times that a test sets.
struct TestClock {
  Time now = to_time(1'800'000'000'000'000);
  static Time to_time(std::int64_t microseconds) {
    return Time(std::chrono::microseconds(microseconds));
  }
  StoreOptions options() {
    StoreOptions options;
    options.clock = [this] { return now; };
    return options;
  }
};

std::vector<std::string> ids_of(const std::vector<JobRecord>& jobs) {
  std::vector<std::string> ids;
  for (const JobRecord& job : jobs) ids.push_back(job.name.id);
  return ids;
}

TEST(JobStore, GivesBackWhatWasCreatedAfterARestart) {
  const TemporaryFolder folder;
  NewJob job = new_job("a");
  job.display_name = "the \"first\"\n";
  job.priority = -3;
  JobRecord created;
  {
    SampleJobStore store(folder / "data");
    created = create(store, job);
    EXPECT_EQ(created.state, JobState::kQueued);
    EXPECT_EQ(created.create_time, created.update_time);
  }
  SampleJobStore store(folder / "data");
  const JobRecord read = store.read().job(job_name("a"));
  EXPECT_EQ(read.specification, job.specification);
  created.specification = job.specification;
  EXPECT_EQ(read, created);
  EXPECT_EQ(store.read().job(created.uid), created);
}

TEST(JobStore, RefusesAnIdThatIsTakenWithinATenantAndKind) {
  const TemporaryFolder folder;
  SampleJobStore store(folder.path());
  create(store, new_job("a"));
  const Failure failure = failure_of([&] { create(store, new_job("a")); });
  EXPECT_EQ(failure.code, ErrorCode::kAlreadyExists);
  EXPECT_THAT(failure.message, HasSubstr("tenants/acme/searchJobs/a"));
  NewJob compression = new_job("a");
  compression.name.kind = JobKind::kCompression;
  create(store, compression);
  create(store, new_job("a", "globex"));
  JobQuery query;
  query.tenant = "acme";
  EXPECT_EQ(store.read().list(query).jobs.size(), 1u);
}

TEST(JobStore, AnswersARepeatedRequestAsTheFirstTimeAndDoesNothing) {
  const TemporaryFolder folder;
  JobRecord first;
  {
    SampleJobStore store(folder.path());
    first = create(store, new_job("a"), {"request", "print"});
    change(store, first.uid, {.to = JobState::kRunning});
    EXPECT_EQ(create(store, new_job("a"), {"request", "print"}), first);
  }
  SampleJobStore store(folder.path());
  EXPECT_EQ(create(store, new_job("a"), {"request", "print"}), first);
  EXPECT_EQ(store.read().events(first.uid, 0, 10).size(), 2u);
  create(store, new_job("a", "globex"), {"request", "print"});  // a tenant's ids are its own
}

TEST(JobStore, RefusesARequestIdThatWasUsedForSomethingElse) {
  const TemporaryFolder folder;
  SampleJobStore store(folder.path());
  create(store, new_job("a"), {"request", "print"});
  for (const auto& action : std::vector<std::function<void()>>{
           [&] {
             create(store, new_job("b"), {"request", "another print"});
           },
           [&] {
             cancel(store, job_name("a"), {}, {"request", "print"});
           }}) {
    const Failure failure = failure_of(action);
    EXPECT_EQ(failure.code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(failure.message, HasSubstr("'request'"));
  }
  EXPECT_EQ(store.read().job(job_name("a")).state, JobState::kQueued);
}

TEST(JobStore, ARefusedRequestMayBeRepeatedWithTheSameId) {
  const TemporaryFolder folder;
  SampleJobStore store(folder.path());
  EXPECT_THROW(cancel(store, job_name("a"), {}, {"request", ""}), Error);
  create(store, new_job("a"));
  EXPECT_EQ(cancel(store, job_name("a"), {}, {"request", ""}).state, JobState::kCancelled);
}

TEST(JobStore, ManyThreadsWithTheSameRequestIdMakeOneJob) {
  const TemporaryFolder folder;
  SampleJobStore store(folder.path());
  std::vector<std::thread> threads;
  std::array<std::int64_t, 8> uids{};
  for (std::size_t i = 0; i < uids.size(); ++i) {
    threads.emplace_back([&, i] {
      uids[i] = create(store, new_job("a" + std::to_string(i)), {"request", "print"}).uid;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(std::set(uids.begin(), uids.end()).size(), 1u);
  EXPECT_EQ(store.read().unfinished().size(), 1u);
}

TEST(JobStore, FollowsAJobThroughItsStates) {
  const TemporaryFolder folder;
  TestClock clock;
  SampleJobStore store(folder.path(), clock.options());
  const Time created = clock.now;
  const auto uid = create(store, new_job("a")).uid;
  clock.now += std::chrono::seconds(1);
  const Time started = clock.now;
  change(store, uid, {.to = JobState::kRunning});
  clock.now += std::chrono::seconds(1);
  change(store, uid, {.to = JobState::kRunning});  // the daemon was started again
  clock.now += std::chrono::seconds(1);
  change(store, uid, {.to = JobState::kFailed, .failure_code = 13, .failure = "out of memory"});
  const JobRecord job = store.read().job(uid);
  EXPECT_EQ(job.state, JobState::kFailed);
  EXPECT_EQ(job.attempts, 2);
  EXPECT_EQ(job.create_time, created);
  EXPECT_EQ(job.start_time, started);
  EXPECT_EQ(job.end_time, clock.now);
  EXPECT_EQ(job.update_time, clock.now);
  EXPECT_EQ(job.failure_code, 13);
  EXPECT_EQ(job.failure, "out of memory");
  EXPECT_THAT(store.read().unfinished(), IsEmpty());
}

TEST(JobStore, RefusesAStateThatMayNotFollow) {
  const TemporaryFolder folder;
  SampleJobStore store(folder.path());
  const auto uid = create(store, new_job("a")).uid;
  const Failure failure = failure_of([&] { change(store, uid, {.to = JobState::kSucceeded}); });
  EXPECT_EQ(failure.code, ErrorCode::kFailedPrecondition);
  EXPECT_THAT(failure.message, HasSubstr("QUEUED"));
  EXPECT_THAT(failure.message, HasSubstr("SUCCEEDED"));
  cancel(store, job_name("a"));
  EXPECT_THROW(change(store, uid, {.to = JobState::kRunning}), Error);
}

TEST(JobStore, CancelsAQueuedJobAtOnceAndARunningOneWhenItHasStopped) {
  const TemporaryFolder folder;
  SampleJobStore store(folder.path());
  create(store, new_job("queued"));
  EXPECT_EQ(cancel(store, job_name("queued")).state, JobState::kCancelled);
  const auto running = create(store, new_job("running")).uid;
  change(store, running, {.to = JobState::kRunning});
  const JobRecord cancelling = cancel(store, job_name("running"));
  EXPECT_EQ(cancelling.state, JobState::kCancelling);
  EXPECT_EQ(cancel(store, job_name("running")), cancelling);
  change(store, running, {.to = JobState::kSucceeded});  // it was done before it noticed
  EXPECT_EQ(failure_of([&] { cancel(store, job_name("running")); }).code,
            ErrorCode::kFailedPrecondition);
}

TEST(JobStore, ChangesNothingForAnEtagThatIsOld) {
  const TemporaryFolder folder;
  SampleJobStore store(folder.path());
  const JobRecord queued = create(store, new_job("a"));
  const JobRecord running = change(store, queued.uid, {.to = JobState::kRunning});
  EXPECT_NE(queued.etag(), running.etag());
  EXPECT_THROW(cancel(store, job_name("a"), queued.etag()), StaleEtag);
  EXPECT_EQ(cancel(store, job_name("a"), running.etag()).state, JobState::kCancelling);
}

TEST(JobStore, HoldsATenantToItsNumberOfUnfinishedJobs) {
  const TemporaryFolder folder;
  SampleJobStore store(folder.path());
  TenantQuota quota;
  quota.unfinished_jobs = 2;
  create(store, new_job("a"), {}, quota);
  create(store, new_job("b"), {}, quota);
  const Failure failure = failure_of([&] { create(store, new_job("c"), {}, quota); });
  EXPECT_EQ(failure.code, ErrorCode::kResourceExhausted);
  EXPECT_THAT(failure.message, HasSubstr("tenants/acme"));
  create(store, new_job("c", "globex"), {}, quota);
  cancel(store, job_name("a"));
  create(store, new_job("c"), {}, quota);
}

TEST(JobStore, HoldsATenantToTheTrialsPlannedInItsUnfinishedJobs) {
  const TemporaryFolder folder;
  SampleJobStore store(folder.path());
  TenantQuota quota;
  quota.planned_trials = 100;
  const auto with_trials = [](const std::string& id, int trials) {
    NewJob job = new_job(id);
    job.planned_trials = trials;
    return job;
  };
  create(store, with_trials("a", 60), {}, quota);
  EXPECT_THROW(create(store, with_trials("b", 41), {}, quota), QuotaExceeded);
  create(store, with_trials("b", 40), {}, quota);
  cancel(store, job_name("a"));
  create(store, with_trials("c", 60), {}, quota);
}

TEST(JobStore, HoldsATenantToTheBytesOfItsJobsUntilTheyAreDeleted) {
  const TemporaryFolder folder;
  SampleJobStore store(folder.path());
  TenantQuota quota;
  quota.bytes = 1000;
  const auto uid = create(store, new_job("a"), {}, quota).uid;
  use(store, uid, {.cpu_seconds = 0, .bytes = 1000});
  EXPECT_THROW(create(store, new_job("b"), {}, quota), QuotaExceeded);
  create(store, new_job("b", "globex"), {}, quota);
  cancel(store, job_name("a"));
  remove(store, job_name("a"));
  create(store, new_job("b"), {}, quota);
}

TEST(JobStore, HoldsATenantToTheProcessorTimeOfADayAlthoughItsJobsAreDeleted) {
  const TemporaryFolder folder;
  TestClock clock;
  SampleJobStore store(folder.path(), clock.options());
  TenantQuota quota;
  quota.cpu_seconds_of_day = 100;
  const auto uid = create(store, new_job("a"), {}, quota).uid;
  use(store, uid, {.cpu_seconds = 60, .bytes = 0});
  store.read().require_cpu_time("acme", quota);
  use(store, uid, {.cpu_seconds = 40, .bytes = 0});
  cancel(store, job_name("a"));
  remove(store, job_name("a"));
  EXPECT_THROW(create(store, new_job("b"), {}, quota), QuotaExceeded);
  EXPECT_THROW(store.read().require_cpu_time("acme", quota), QuotaExceeded);
  store.read().require_cpu_time("globex", quota);
  clock.now += std::chrono::hours(25);
  create(store, new_job("b"), {}, quota);
}

TEST(JobStore, DeletesFinalJobsOnlyWithTheirEventsAndNeverGivesTheirUidAgain) {
  const TemporaryFolder folder;
  SampleJobStore store(folder.path());
  const auto uid = create(store, new_job("a")).uid;
  EXPECT_EQ(failure_of([&] { remove(store, job_name("a")); }).code, ErrorCode::kFailedPrecondition);
  cancel(store, job_name("a"));
  EXPECT_EQ(remove(store, job_name("a"), {}, {"request", ""}).uid, uid);
  EXPECT_EQ(failure_of([&] { (void)store.read().job(job_name("a")); }).code, ErrorCode::kNotFound);
  EXPECT_EQ(failure_of([&] { append(store, uid, {{"trial", ""}}); }).code, ErrorCode::kNotFound);
  const auto events = store.read().events(uid, 0, 10);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].kind, "deleted");
  EXPECT_GT(create(store, new_job("a")).uid, uid);
  EXPECT_EQ(remove(store, job_name("a"), {}, {"request", ""}).uid, uid);  // a repeated call
  EXPECT_EQ(store.read().job(job_name("a")).state, JobState::kQueued);
}

/// The events of a deleted job that are still there.
std::size_t events_left(const JobStore& store, std::int64_t uid) {
  return store.read().events(uid, 0, 100'000).size() - 1;  // "deleted" stays
}

void wait_until_all_are_gone(const JobStore& store, std::int64_t uid) {
  while (events_left(store, uid) > 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

TEST(JobStore, DeletesAJobOfManyEventsInSlicesBetweenWhichOthersStore) {
  const TemporaryFolder folder;
  SampleJobStore store(folder.path());
  const auto uid = create(store, new_job("long")).uid;
  append(store, uid, std::vector<NewEvent>(20'000, {"trial", std::string(100, 'x')}));
  cancel(store, job_name("long"));
  std::promise<std::size_t> left;
  store.remove(job_name("long"), {}, {}, [&](Outcome<JobRecord>) {
    store.create(new_job("other"), {}, {}, [&](const Outcome<JobRecord>& outcome) {
      left.set_value(outcome.succeeded() ? events_left(store, uid) : 0);
    });
  });
  EXPECT_GT(left.get_future().get(), 10'000u) << "stored long before all were gone";
  EXPECT_EQ(failure_of([&] { (void)store.read().job(uid); }).code, ErrorCode::kNotFound);
  wait_until_all_are_gone(store, uid);
}

TEST(JobStore, GoesOnDeletingAfterARestart) {
  const TemporaryFolder folder;
  std::int64_t uid = 0;
  {
    SampleJobStore store(folder.path());
    uid = create(store, new_job("long")).uid;
    append(store, uid, std::vector<NewEvent>(20'000, {"trial", "x"}));
    cancel(store, job_name("long"));
    remove(store, job_name("long"));
  }
  SampleJobStore store(folder.path());
  wait_until_all_are_gone(store, uid);
}

TEST(JobStore, TellsWhatHappenedSinceARevisionInOrder) {
  const TemporaryFolder folder;
  SampleJobStore store(folder.path());
  const auto uid = create(store, new_job("a")).uid;
  create(store, new_job("b"));
  change(store, uid, {.to = JobState::kRunning});
  const std::string binary("\0\xff trial", 8);
  const auto last = append(store, uid, {{"trial", "0"}, {"trial", binary}}, "trial 1");
  EXPECT_EQ(store.read().last_revision(), last);
  const auto all = store.read().events(uid, 0, 10);
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all[0].job->state, JobState::kQueued);
  EXPECT_EQ(all[1].job->state, JobState::kRunning);
  EXPECT_EQ(all[1].job->etag(), store.read().job(uid).etag());
  EXPECT_EQ(all[2].payload, "0");
  EXPECT_EQ(all[3].payload, binary);
  EXPECT_EQ(all[3].revision, last);
  EXPECT_EQ(store.read().job(uid).cursor, "trial 1");
  const auto rest = store.read().events(uid, all[0].revision, 2);
  ASSERT_EQ(rest.size(), 2u);
  EXPECT_EQ(rest[1].revision, all[2].revision);
  EXPECT_THAT(store.read().events(uid, last, 10), IsEmpty());
}

TEST(JobStore, SaysWhichJobsHaveNewEventsBeforeItAcknowledgesThem) {
  const TemporaryFolder folder;
  std::set<std::int64_t> told;
  SampleJobStore store(folder.path(), {}, [&](const std::vector<std::int64_t>& uids) {
    told.insert(uids.begin(), uids.end());
  });
  const auto uid = create(store, new_job("a")).uid;
  EXPECT_THAT(told, ElementsAre(uid));
}

TEST(JobStore, ListsEveryJobOnceTheNewestFirst) {
  const TemporaryFolder folder;
  TestClock clock;
  SampleJobStore store(folder.path(), clock.options());
  for (const char* id : {"a", "b", "c", "d", "e"}) {
    create(store, new_job(id));
    if (id[0] != 'b') clock.now += std::chrono::seconds(1);  // b and c at the same instant
  }
  create(store, new_job("other", "globex"));
  JobQuery query;
  query.tenant = "acme";
  query.page_size = 2;
  EXPECT_THAT(ids_of(list_all(store, query)), ElementsAre("e", "d", "c", "b", "a"));
  query.filter = "vowels";
  query.matches = [](const JobRecord& job) { return job.name.id == "a" || job.name.id == "e"; };
  EXPECT_THAT(ids_of(list_all(store, query)), ElementsAre("e", "a"));
  query.page_size = -1;
  EXPECT_EQ(failure_of([&] { (void)store.read().list(query); }).code, ErrorCode::kInvalidArgument);
}

TEST(JobStore, ListsOnceWhatStaysWhileOthersComeAndGoAndTheClockJumps) {
  const TemporaryFolder folder;
  TestClock clock;
  SampleJobStore store(folder.path(), clock.options());
  for (const char* id : {"a", "b", "c", "d"}) {
    create(store, new_job(id));
    clock.now += std::chrono::seconds(1);
  }
  JobQuery query;
  query.tenant = "acme";
  query.page_size = 2;
  const JobPage first = store.read().list(query);
  cancel(store, job_name("c"));
  remove(store, job_name("c"));  // the one at which the page ended
  clock.now -= std::chrono::hours(24 * 365);
  const auto back = create(store, new_job("long_ago"));
  clock.now += std::chrono::hours(24 * 365 * 60);
  create(store, new_job("far_ahead"));
  EXPECT_GT(store.read().job(job_name("far_ahead")).revision, back.revision);
  query.page_token = first.next_page_token;
  EXPECT_THAT(ids_of(first.jobs), ElementsAre("d", "c"));
  EXPECT_THAT(ids_of(list_all(store, query)), ElementsAre("b", "a", "long_ago"));
}

TEST(JobStore, ARepeatedRequestIsNoticedAlthoughTheClockHasJumpedAhead) {
  const TemporaryFolder folder;
  TestClock clock;
  const auto first = [&] {
    SampleJobStore store(folder.path(), clock.options());
    return create(store, new_job("a"), {"request", ""});
  }();
  clock.now += std::chrono::hours(24 * 365);
  SampleJobStore store(folder.path(), clock.options());
  EXPECT_EQ(create(store, new_job("a"), {"request", ""}), first);
}

TEST(JobStore, RefusesATokenOfAnotherListing) {
  const TemporaryFolder folder;
  std::string token;
  {
    SampleJobStore store(folder.path());
    for (const char* id : {"a", "b", "c"}) create(store, new_job(id));
    JobQuery query;
    query.tenant = "acme";
    query.page_size = 1;
    token = store.read().list(query).next_page_token;
  }
  SampleJobStore store(folder.path());
  JobQuery query;
  query.tenant = "acme";
  query.page_token = token;
  EXPECT_THAT(ids_of(store.read().list(query).jobs), ElementsAre("b", "a"));  // after a restart
  query.filter = "state = QUEUED";
  EXPECT_EQ(failure_of([&] { (void)store.read().list(query); }).code, ErrorCode::kInvalidArgument);
  query.filter = "";
  query.tenant = "globex";
  EXPECT_EQ(failure_of([&] { (void)store.read().list(query); }).code, ErrorCode::kInvalidArgument);
}

TEST(JobStore, TurnsASecondDaemonAwayFromItsFolder) {
  const TemporaryFolder folder;
  const SampleJobStore store(folder.path());
  const Failure failure = failure_of([&] { SampleJobStore second(folder.path()); });
  EXPECT_EQ(failure.code, ErrorCode::kFailedPrecondition);
  EXPECT_THAT(failure.message, HasSubstr("another hwnasd serves this folder"));
}

TEST(JobStore, StoresWhatWaitsBeforeItEnds) {
  const TemporaryFolder folder;
  std::atomic<int> acknowledged = 0;
  {
    SampleJobStore store(folder.path());
    for (int i = 0; i < 100; ++i) {
      store.create(new_job("a" + std::to_string(i)), {}, {},
                   [&](const Outcome<JobRecord>& job) { acknowledged += job.succeeded(); });
    }
  }
  EXPECT_EQ(acknowledged, 100);
  EXPECT_EQ(SampleJobStore(folder.path()).read().unfinished().size(), 100u);
}

}  // namespace
}  // namespace hwnas::service
