#include "service/suggester.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <set>
#include <thread>

#include "service/study_trial.hpp"
#include "tests/core/temporary_folder.hpp"
#include "tests/service/sample_jobs.hpp"
#include "tests/service/sample_studies.hpp"

namespace hwnas::service {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using vizier::Trial;

/// All that answers clients, on a folder.
struct Office {
  explicit Office(const std::filesystem::path& folder, std::size_t max_live = 8)
      : file(folder), studies(file), suggester(studies, pool, max_live) {}
  ~Office() { file.close(); }

  Store file;
  StudyStore studies;
  WorkerPool pool{2, 1000};
  Suggester suggester;
};

double squared_distance(const Trial& trial) {
  double sum = 0;
  for (const auto& p : trial.parameters()) {
    sum += (p.value().number_value() - 0.3) * (p.value().number_value() - 0.3);
  }
  return sum;
}

void finish(StudyStore& studies, const Trial& trial) {
  edit(studies, std::stoll(trial.id()), [&](Trial& stored) {
    complete(stored, completion(squared_distance(stored)), studies.now());
  });
}

std::string parameters_of(const std::vector<Trial>& trials) {
  std::string text;
  for (const Trial& trial : trials) {
    for (const auto& p : trial.parameters()) text += p.ShortDebugString() + " ";
  }
  return text;
}

/// Suggestions by turns to two clients, which answer late and out of order; `between` is called
/// after each turn.
std::string history(std::unique_ptr<Office>& office, const std::function<void(int)>& between) {
  std::string text;
  for (int turn = 0; turn < 40; ++turn) {
    const auto trials = suggest(office->suggester, turn % 2 == 0 ? "a" : "b", 2);
    text += parameters_of(trials);
    if (turn % 3 == 1) {
      for (auto trial = trials.rbegin(); trial != trials.rend(); ++trial) {
        finish(office->studies, *trial);
      }
    }
    between(turn);
  }
  return text;
}

class SuggesterOfStrategy : public testing::TestWithParam<search::StrategyInfo> {};
INSTANTIATE_TEST_SUITE_P(Every, SuggesterOfStrategy, testing::ValuesIn(search::strategies()),
                         [](const auto& row) { return std::string(row.param.name); });

TEST_P(SuggesterOfStrategy, ProposesTheSameWhetherItIsStartedAgainOrForgottenOrNeither) {
  const TemporaryFolder folder;
  const auto open = [&](const std::string& name, std::size_t max_live = 8) {
    auto office = std::make_unique<Office>(folder / name, max_live);
    create(office->studies, plane_study(std::string(GetParam().name)));
    return office;
  };
  auto office = open("unbroken");
  const std::string unbroken = history(office, [](int) {});

  office = open("forgotten", 1);
  const StudyName another{"acme", "another"};
  create(office->studies, plane_study(), another);
  EXPECT_EQ(history(office, [&](int) { suggest(office->suggester, "c", 1, another); }), unbroken);

  office = open("started again");
  EXPECT_EQ(history(office,
                    [&](int turn) {
                      if (turn % 5 != 0) return;
                      office.reset();
                      office = open("started again");
                    }),
            unbroken);
}

TEST(Suggester, LearnsFromWhatClientsTellIt) {
  const TemporaryFolder folder;
  Office office(folder.path());
  create(office.studies, plane_study("DEFAULT"));
  double early = 0;
  double late = 0;
  for (int i = 0; i < 200; ++i) {
    const auto trials = suggest(office.suggester, "a");
    (i < 50 ? early : late) += squared_distance(trials[0]) / (i < 50 ? 50 : 150);
    finish(office.studies, trials[0]);
  }
  EXPECT_LT(late, early / 1.5);
}

TEST(Suggester, LearnsFromTrialsOfAClientsMakingWithinTheSpace) {
  const TemporaryFolder folder;
  Office office(folder.path());
  create(office.studies, plane_study("aging_evolution"));
  const auto made = [](double x) {
    auto trial = message_of<Trial>(
        "state: SUCCEEDED parameters { parameter_id: 'x' value { number_value: " +
        std::to_string(x) + " } } parameters { parameter_id: 'y' value { number_value: 0.25 } }");
    *trial.mutable_final_measurement() = completion(std::abs(x)).final_measurement();
    return trial;
  };
  // A full population of one point, and one beyond the space.
  for (int i = 0; i < 60; ++i) add(office.studies, new_trial(made(0.5), office.studies.now()));
  add(office.studies, new_trial(made(7), office.studies.now()));
  for (int i = 0; i < 50; ++i) finish(office.studies, suggest(office.suggester, "a")[0]);
  int near = 0;
  for (int i = 0; i < 20; ++i) {
    const Trial trial = suggest(office.suggester, "b" + std::to_string(i))[0];
    near += int(squared_distance(trial) < 0.5);
  }
  EXPECT_GT(near, 10);
}

TEST(Suggester, GivesNothingMoreOnceTheSpaceIsUsedUp) {
  const TemporaryFolder folder;
  Office office(folder.path());
  auto study = message_of<vizier::Study>(R"(
    display_name: "a study" state: ACTIVE
    study_spec {
      metrics { metric_id: "f" goal: MINIMIZE }
      parameters { parameter_id: "x" categorical_value_spec { values: ["u", "v", "w"] } }
    })");
  create(office.studies, study);
  EXPECT_THAT(suggest(office.suggester, "a", 2), SizeIs(2));
  EXPECT_THAT(suggest(office.suggester, "b", 2), SizeIs(1));
  EXPECT_THAT(suggest(office.suggester, "c", 2), IsEmpty());
}

TEST(Suggester, ManyClientsAtOnceGetTrialsOfTheirOwn) {
  const TemporaryFolder folder;
  Office office(folder.path());
  create(office.studies);
  std::vector<std::thread> clients;
  std::vector<std::vector<Trial>> got(8);
  for (std::size_t i = 0; i < got.size(); ++i) {
    clients.emplace_back([&, i] {
      for (int turn = 0; turn < 10; ++turn) {
        const auto trials = suggest(office.suggester, "client" + std::to_string(i), 1);
        got[i].push_back(trials.at(0));
        finish(office.studies, trials[0]);
      }
    });
  }
  for (std::thread& client : clients) client.join();
  std::set<std::string> ids;
  std::set<std::string> points;
  for (const auto& trials : got) {
    for (const Trial& trial : trials) {
      ids.insert(trial.id());
      points.insert(parameters_of({trial}));
    }
  }
  EXPECT_EQ(ids.size(), 80u);
  EXPECT_EQ(points.size(), 80u) << "no strategy proposes anything twice";
}

TEST(Suggester, RefusesAStudyWhoseRecordedProposalsItsStrategyDoesNotMake) {
  const TemporaryFolder folder;
  Office office(folder.path());
  create(office.studies);
  await<std::vector<Suggested>>([&](auto done) {
    office.studies.suggest(kStudy, office.studies.read().head(kStudy).uid, {{"a", 1}},
                           {{"0-0-0-0-0-1", 0, {}}}, done);
  });
  const Failure failure = failure_of([&] { suggest(office.suggester, "b"); });
  EXPECT_EQ(failure.code, ErrorCode::kFailedPrecondition);
  EXPECT_THAT(failure.message, HasSubstr("trial 1 was proposed by another version"));
}

TEST(Suggester, TellsThatThereIsNoSuchStudyOrThatItHasEnded) {
  const TemporaryFolder folder;
  Office office(folder.path());
  EXPECT_EQ(failure_of([&] { suggest(office.suggester, "a"); }).code, ErrorCode::kNotFound);
  create(office.studies);
  suggest(office.suggester, "a");
  await<vizier::Study>(
      [&](auto done) { office.studies.set_state(kStudy, vizier::Study::INACTIVE, done); });
  EXPECT_EQ(failure_of([&] { suggest(office.suggester, "a"); }).code,
            ErrorCode::kFailedPrecondition);
}

TEST(Suggester, StopsTrialsEarlyOnlyWhereTheStudyAsksForIt) {
  const TemporaryFolder folder;
  Office office(folder.path());
  vizier::Study with = plane_study();
  with.mutable_study_spec()->mutable_default_stopping_spec();
  create(office.studies, with);
  const auto measured = [&](double value) {
    const Trial trial = suggest(office.suggester, "a")[0];
    auto measurement = completion(value).final_measurement();
    measurement.set_step_count(3);
    edit(office.studies, std::stoll(trial.id()),
         [&](Trial& stored) { add_measurement(stored, measurement); });
    return std::stoll(trial.id());
  };
  const auto should_stop = [&](std::int64_t id) {
    return await<bool>([&](auto done) { office.suggester.should_stop({kStudy, id}, done); });
  };
  for (int i = 0; i < 3; ++i) {
    const std::int64_t id = measured(1);
    edit(office.studies, id, [&](Trial& t) { complete(t, {}, office.studies.now()); });
    EXPECT_EQ(failure_of([&] { should_stop(id); }).code, ErrorCode::kFailedPrecondition);
  }
  const std::int64_t bad = measured(2);
  EXPECT_TRUE(should_stop(bad));
  edit(office.studies, bad, stop);
  EXPECT_TRUE(should_stop(bad));
  EXPECT_FALSE(should_stop(measured(0.5)));
}

}  // namespace
}  // namespace hwnas::service
