#include "service/filter.hpp"

#include <gmock/gmock.h>

#include <cmath>

#include "core/error.hpp"
#include "engine/store.hpp"
#include "service/search_requests.hpp"
#include "tests/service/sample_daemon.hpp"

namespace hwnas::service {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const FilterSchema kSchema{{{"state", FilterType::kEnum, {"QUEUED", "RUNNING"}},
                            {"priority", FilterType::kInteger},
                            {"display_name", FilterType::kString},
                            {"mine", FilterType::kBoolean},
                            {"create_time", FilterType::kTimestamp}}};

/// 2026-11-21T08:00:00Z.
constexpr Time kCreated{std::chrono::sys_days(std::chrono::year(2026) / 11 / 21) +
                        std::chrono::hours(8)};

FilterValue sample_value(const std::string& field) {
  if (field == "state") return std::string("RUNNING");
  if (field == "priority") return std::int64_t{5};
  if (field == "display_name") return std::string("the \"big\" one");
  if (field == "mine") return true;
  if (field == "create_time") return kCreated;
  return {};
}

bool matches(const std::string& filter) {
  return Filter::parse(filter, kSchema).matches(sample_value);
}

std::string refusal_of(const std::string& filter, const FilterSchema& schema = kSchema) {
  try {
    Filter::parse(filter, schema);
  } catch (const Error& failure) {
    EXPECT_EQ(failure.code(), ErrorCode::kInvalidArgument);
    return failure.what();
  }
  return "accepted";
}

TEST(Filter, ComparesEachTypeByItsOperators) {
  for (const char* filter :
       {"state = RUNNING", "state != QUEUED", "priority = 5", "priority!=6", "priority<6",
        "priority <= 5", "priority>4", "priority >= 5", "display_name : big",
        "display_name: 'e \"b'", "display_name = \"the \\\"big\\\" one\"", "display_name > tha",
        "mine = true", "mine != false", "create_time = 2026-11-21T08:00:00Z",
        "create_time = \"2026-11-21T09:00:00+01:00\"", "create_time < 2026-11-21T08:00:00.000001Z",
        "create_time >= '2026-11-21T08:00:00Z'"}) {
    EXPECT_TRUE(matches(filter)) << filter;
  }
  for (const char* filter :
       {"state = QUEUED", "state != RUNNING", "priority = 6", "priority > 5", "priority < 5",
        "display_name : small", "display_name = 'big'", "mine = false",
        "create_time > 2026-11-21T08:00:00Z", "create_time < 2026-11-21T08:00:00Z"}) {
    EXPECT_FALSE(matches(filter)) << filter;
  }
}

TEST(Filter, HoldsWhereAllComparisonsHold) {
  EXPECT_TRUE(matches("state=RUNNING AND priority>0 AND mine = true"));
  EXPECT_FALSE(matches("state = RUNNING AND priority > 5"));
  EXPECT_FALSE(matches("priority > 5 AND state = RUNNING"));
}

TEST(Filter, LetsEverythingThroughWhenEmpty) {
  EXPECT_TRUE(matches(""));
  EXPECT_TRUE(matches(" \t"));
  EXPECT_TRUE(Filter::parse(" ", kSchema).empty());
}

TEST(Filter, WhatAResourceDoesNotHaveFitsNoComparison) {
  const FilterSchema open{{}, true};
  for (const char* filter : {"latency_ms < 20", "latency_ms != 20", "latency_ms >= 20"}) {
    const Filter parsed = Filter::parse(filter, open);
    EXPECT_FALSE(parsed.matches([](const std::string&) { return FilterValue(); })) << filter;
    EXPECT_FALSE(parsed.matches([](const std::string&) { return FilterValue(std::nan("")); }))
        << filter;
  }
}

TEST(Filter, RefusesWithColumnAndWhatThereIs) {
  EXPECT_THAT(refusal_of("priority > 1 AND stat = RUNNING"),
              AllOf(HasSubstr("column 18: no field 'stat', did you mean 'state'?"),
                    HasSubstr("fields: state, priority, display_name, mine, create_time")));
  EXPECT_THAT(refusal_of("state = RUNING"),
              HasSubstr("column 9: 'state' is compared with one of QUEUED, RUNNING, not with "
                        "'RUNING', did you mean 'RUNNING'?"));
  EXPECT_THAT(refusal_of("priority = 1.5"), HasSubstr("column 12: 'priority' is compared with an"));
  EXPECT_THAT(refusal_of("mine = yes"), HasSubstr("column 8: 'mine' is compared with true or"));
  EXPECT_THAT(refusal_of("create_time > yesterday"), HasSubstr("2026-11-21T08:00:00Z"));
  EXPECT_THAT(refusal_of("state = QUEUED OR mine = true"),
              HasSubstr("column 16: AND is expected between comparisons"));
  EXPECT_THAT(refusal_of("(state = QUEUED)"), HasSubstr("column 1: the name of a field"));
  EXPECT_THAT(refusal_of("NOT state = QUEUED"), HasSubstr("column 1: no field 'NOT'"));
  EXPECT_THAT(refusal_of("state"), HasSubstr("column 6: one of =, !=, <, <=, >, >= and :"));
  EXPECT_THAT(refusal_of("state < RUNNING"), HasSubstr("only be compared by = and !="));
  EXPECT_THAT(refusal_of("priority : 5"), HasSubstr("':' is for texts"));
  EXPECT_THAT(refusal_of("priority ="), HasSubstr("column 11: a value is expected"));
  EXPECT_THAT(refusal_of("display_name = \"open"), HasSubstr("column 16: the quote is not closed"));
  EXPECT_THAT(refusal_of("state = QUEUED AND"), HasSubstr("column 19: the name of a field"));
  EXPECT_THAT(refusal_of("display_name = \xff"), HasSubstr("column 16: byte 0xff"));
}

TEST(Filter, IsBounded) {
  EXPECT_THAT(refusal_of(std::string(Filter::kMaxBytes + 1, ' ')), HasSubstr("2048 are the most"));
  std::string filter = "priority > 0";
  for (std::size_t i = 1; i < Filter::kMaxComparisons; ++i) filter += " AND priority > 0";
  EXPECT_TRUE(matches(filter));
  EXPECT_THAT(refusal_of(filter + " AND priority > 0"), HasSubstr("more than 32 comparisons"));
}

TEST(TrialFilter, TakesTheMeasuredValueOfAMetricBeforeThePredicted) {
  engine::TrialRecord trial;
  trial.id = 3;
  trial.state = search::TrialState::kComplete;
  trial.metrics = {{"latency_ms", 10, 1, estimators::Origin::kPredicted},
                   {"latency_ms", 30, 0, estimators::Origin::kMeasured}};
  EXPECT_TRUE(trial_filter("latency_ms > 20 AND id = 3 AND state = COMPLETE")(trial, false));
  EXPECT_FALSE(trial_filter("latency_ms < 20")(trial, false));
  EXPECT_FALSE(trial_filter("energy_mj < 20")(trial, false));
  EXPECT_TRUE(trial_filter("on_front = true")(trial, true));
  EXPECT_THAT([] { trial_filter("stat = COMPLETE"); },
              testing::ThrowsMessage<Error>(
                  AllOf(HasSubstr("'stat' is compared with a number"), HasSubstr("on_front"))));
}

class FilteredListing : public testing::Test {
 protected:
  /// Ids of all trials that match, page by page.
  std::vector<std::int64_t> trials(Stub& stub, const std::string& filter, int page_size) const {
    v1::ListTrialsRequest request;
    request.set_parent("tenants/acme/searchJobs/waves");
    request.set_filter(filter);
    request.set_page_size(page_size);
    std::vector<std::int64_t> ids;
    do {
      grpc::ClientContext context;
      v1::ListTrialsResponse page;
      const grpc::Status status = stub.ListTrials(&context, request, &page);
      EXPECT_TRUE(status.ok()) << status.error_message();
      for (const v1::Trial& trial : page.trials()) ids.push_back(trial.id());
      request.set_page_token(page.next_page_token());
    } while (!request.page_token().empty());
    return ids;
  }

  const TemporaryFolder folder_;
  const SampleExperiment sample_ = write_sample_experiment(folder_);
};

TEST_F(FilteredListing, GivesEveryMatchOnceAcrossPages) {
  DaemonProcess daemon(folder_ / "data", {"--datasets", sample_.datasets.string()});
  const auto stub = connect(folder_ / "data");
  ASSERT_TRUE(stub) << daemon.errors();
  grpc::ClientContext context;
  v1::SearchJob job;
  ASSERT_TRUE(stub->CreateSearchJob(&context, create_request(sample_.text, "waves"), &job).ok());
  watch(*stub, job.name());

  const auto all = trials(*stub, "", 0);
  const auto fitting = trials(*stub, "state = COMPLETE", 0);
  const auto others = trials(*stub, "state != COMPLETE", 0);
  EXPECT_EQ(fitting.size(), 20u);
  EXPECT_EQ(fitting.size() + others.size(), all.size());
  EXPECT_EQ(trials(*stub, "state = COMPLETE", 3), fitting);
  EXPECT_EQ(trials(*stub, "id > 4 AND state = COMPLETE", 1),
            std::vector(std::ranges::upper_bound(fitting, 4), fitting.end()));
  EXPECT_FALSE(trials(*stub, "on_front = true", 2).empty());
}

TEST_F(FilteredListing, ATokenHoldsForItsFilterOnly) {
  DaemonProcess daemon(folder_ / "data", {"--datasets", sample_.datasets.string()});
  const auto stub = connect(folder_ / "data");
  ASSERT_TRUE(stub) << daemon.errors();
  for (const char* id : {"a", "b", "c"}) {
    grpc::ClientContext context;
    v1::SearchJob job;
    ASSERT_TRUE(stub->CreateSearchJob(&context, create_request(sample_.text, id), &job).ok());
  }
  const auto list = [&](v1::ListSearchJobsRequest request, v1::ListSearchJobsResponse& page) {
    grpc::ClientContext context;
    return stub->ListSearchJobs(&context, request, &page);
  };
  v1::ListSearchJobsRequest request;
  request.set_parent("tenants/acme");
  request.set_page_size(1);
  request.set_filter("priority = 0");
  v1::ListSearchJobsResponse page;
  ASSERT_TRUE(list(request, page).ok());
  request.set_page_token(page.next_page_token());
  EXPECT_TRUE(list(request, page).ok());
  request.set_filter("priority >= 0");
  const grpc::Status status = list(request, page);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("page_token"));
}

}  // namespace
}  // namespace hwnas::service
