#include "service/study_store.hpp"

#include <gmock/gmock.h>

#include "service/study_front.hpp"
#include "service/study_trial.hpp"
#include "tests/core/temporary_folder.hpp"
#include "tests/service/sample_jobs.hpp"
#include "tests/service/sample_studies.hpp"

namespace hwnas::service {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using vizier::Study;
using vizier::Trial;

class StudyStoreTest : public testing::Test {
 protected:
  ~StudyStoreTest() override { file_.close(); }

  Trial complete_trial(std::int64_t id, double value) {
    return edit(studies_, id, [&](Trial& t) { complete(t, completion(value), studies_.now()); });
  }
  std::vector<Suggested> hand_out(std::vector<TrialsWanted> wanted,
                                  std::vector<NewProposal> proposals = {}) {
    return await<std::vector<Suggested>>([&](auto done) {
      studies_.suggest(kStudy, studies_.read().head(kStudy).uid, wanted, proposals, done);
    });
  }
  Study set_state(Study::State state) {
    return await<Study>([&](auto done) { studies_.set_state(kStudy, state, done); });
  }
  Study set_metadata_of(const std::string& delta) {
    const auto request = message_of<vizier::UpdateMetadataRequest>(delta);
    return await<Study>([&](auto done) { studies_.update_metadata(request, kStudy, done); });
  }
  void remove_trial(std::int64_t id) {
    await<Trial>([&](auto done) { studies_.remove_trial({kStudy, id}, done); });
  }

  const TemporaryFolder folder_;
  Store file_{folder_.path()};
  StudyStore studies_{file_};
};

std::vector<std::string> ids_of(const google::protobuf::RepeatedPtrField<Trial>& trials) {
  std::vector<std::string> ids;
  for (const Trial& trial : trials) ids.push_back(trial.id());
  return ids;
}

TEST_F(StudyStoreTest, GivesTheStudyThatIsThereToWhoCreatesItAgain) {
  const Study first = create(studies_);
  EXPECT_EQ(first.name(), "owners/acme/studies/a study");
  EXPECT_TRUE(first.has_create_time());
  EXPECT_EQ(create(studies_, plane_study("random")).SerializeAsString(), first.SerializeAsString());
  EXPECT_EQ(studies_.read().study(kStudy).SerializeAsString(), first.SerializeAsString());
  create(studies_, plane_study(), {"globex", "a study"});
  EXPECT_EQ(studies_.read().studies("acme", 0, "").messages.size(), 1u);
}

TEST_F(StudyStoreTest, NumbersTrialsOfAStudyFromOne) {
  create(studies_);
  EXPECT_EQ(add(studies_, new_trial({}, studies_.now())).name(),
            "owners/acme/studies/a study/trials/1");
  const Trial second = add(studies_, new_trial({}, studies_.now()));
  EXPECT_EQ(second.id(), "2");
  EXPECT_EQ(second.state(), Trial::REQUESTED);
  EXPECT_EQ(studies_.read().trial({kStudy, 2}).SerializeAsString(), second.SerializeAsString());
  EXPECT_EQ(failure_of([&] {
              (void)studies_.read().trial({kStudy, 3});
            }).code,
            ErrorCode::kNotFound);
}

TEST_F(StudyStoreTest, GivesAClientItsActiveTrialsThenRequestedOnesThenNewOnes) {
  create(studies_);
  add(studies_, new_trial({}, studies_.now()));
  EXPECT_THAT(ids_of(hand_out({{"a", 2}}, {{"0", 0, {}}})[0].response.trials()),
              ElementsAre("1", "2"));
  EXPECT_THAT(ids_of(hand_out({{"a", 1}})[0].response.trials()), ElementsAre("1"));
  EXPECT_THAT(hand_out({{"b", 1}})[0].response.trials(), IsEmpty());
  const Trial trial = studies_.read().trial({kStudy, 1});
  EXPECT_EQ(trial.state(), Trial::ACTIVE);
  EXPECT_EQ(trial.client_id(), "a");
}

TEST_F(StudyStoreTest, KeepsProposalsThatNobodyTookForTheNextOne) {
  create(studies_);
  hand_out({{"a", 1}}, {{"0", 0, {}}, {"1", 0, {}}});
  EXPECT_EQ(studies_.read().requested_trials(studies_.read().head(kStudy).uid), 1);
  EXPECT_THAT(ids_of(hand_out({{"b", 1}})[0].response.trials()), ElementsAre("2"));
}

TEST_F(StudyStoreTest, RemembersTheLatestOperationOfEachClient) {
  create(studies_);
  EXPECT_EQ(hand_out({{"a", 1}}, {{"0", 0, {}}})[0].number, 1);
  const Suggested second = hand_out({{"a", 1}, {"b", 1}}, {{"1", 0, {}}})[0];
  EXPECT_EQ(second.number, 2);
  EXPECT_EQ(studies_.read().suggestion({kStudy, "a", 2}).SerializeAsString(),
            second.response.SerializeAsString());
  EXPECT_EQ(studies_.read().suggestion({kStudy, "b", 1}).trials(0).id(), "2");
  EXPECT_EQ(failure_of([&] {
              (void)studies_.read().suggestion({kStudy, "a", 1});
            }).code,
            ErrorCode::kNotFound);
}

TEST_F(StudyStoreTest, CompletesATrialOnceWithTheMeasurementGivenOrTheLastOne) {
  create(studies_);
  hand_out({{"a", 3}}, {{"0", 0, {}}, {"1", 0, {}}, {"2", 0, {}}});
  EXPECT_EQ(complete_trial(1, 5).final_measurement().metrics(0).value(), 5);
  EXPECT_TRUE(studies_.read().trial({kStudy, 1}).has_end_time());
  EXPECT_EQ(failure_of([&] { complete_trial(1, 6); }).code, ErrorCode::kFailedPrecondition);

  const auto without = [&] {
    return edit(studies_, 2, [&](Trial& t) { complete(t, {}, studies_.now()); });
  };
  EXPECT_EQ(failure_of(without).code, ErrorCode::kInvalidArgument);
  for (const double value : {1.0, 2.0}) {
    edit(studies_, 2, [&](Trial& t) { add_measurement(t, completion(value).final_measurement()); });
  }
  EXPECT_EQ(without().final_measurement().metrics(0).value(), 2);

  vizier::CompleteTrialRequest infeasible;
  infeasible.set_trial_infeasible(true);
  infeasible.set_infeasible_reason("no memory");
  const Trial third = edit(studies_, 3, [&](Trial& t) { complete(t, infeasible, studies_.now()); });
  EXPECT_EQ(third.state(), Trial::INFEASIBLE);
  EXPECT_EQ(third.infeasible_reason(), "no memory");
}

TEST_F(StudyStoreTest, TellsInWhichOrderTrialsWereFinished) {
  create(studies_);
  hand_out({{"a", 3}}, {{"0", 0, {}}, {"1", 0, {}}, {"2", 0, {}}});
  complete_trial(3, 1);
  complete_trial(1, 1);
  const std::int64_t uid = studies_.read().head(kStudy).uid;
  remove_trial(3);
  const auto finished = studies_.read().finished(uid, 0, 10);
  ASSERT_EQ(finished.size(), 2u);
  EXPECT_EQ(finished[0].trial, 3) << "what was told to a strategy stays, for the replay";
  EXPECT_EQ(finished[0].message.final_measurement().metrics(0).value(), 1);
  EXPECT_EQ(finished[1].trial, 1);
  EXPECT_EQ(finished[1].number, 2);
  EXPECT_EQ(studies_.read().finished(uid, 1, 10).size(), 1u);
}

TEST_F(StudyStoreTest, NeverGivesTheIdOfADeletedTrialAgain) {
  create(studies_);
  add(studies_, new_trial({}, studies_.now()));
  remove_trial(1);
  EXPECT_EQ(add(studies_, new_trial({}, studies_.now())).id(), "2");
  EXPECT_EQ(studies_.read().trials(kStudy, 0, "").messages.size(), 1u);
  EXPECT_EQ(failure_of([&] { remove_trial(1); }).code, ErrorCode::kNotFound);
}

TEST_F(StudyStoreTest, StopsATrialThatIsActive) {
  create(studies_);
  hand_out({{"a", 1}}, {{"0", 0, {}}});
  EXPECT_EQ(edit(studies_, 1, stop).state(), Trial::STOPPING);
  EXPECT_EQ(edit(studies_, 1, stop).state(), Trial::STOPPING);
  EXPECT_EQ(complete_trial(1, 1).state(), Trial::SUCCEEDED);
  EXPECT_EQ(edit(studies_, 1, stop).state(), Trial::SUCCEEDED);
  add(studies_, new_trial({}, studies_.now()));
  EXPECT_EQ(failure_of([&] { edit(studies_, 2, stop); }).code, ErrorCode::kFailedPrecondition);
}

TEST_F(StudyStoreTest, ChangesNothingInAStudyThatIsNotActive) {
  create(studies_);
  hand_out({{"a", 1}}, {{"0", 0, {}}});
  EXPECT_EQ(set_state(Study::COMPLETED).state(), Study::COMPLETED);
  for (const auto& action : std::vector<std::function<void()>>{
           [&] { complete_trial(1, 1); }, [&] { add(studies_, {}); }, [&] { remove_trial(1); },
           [&] {
             hand_out({{"a", 1}});
           },
           [&] { set_metadata_of("delta { metadatum { key: 'k' } }"); }}) {
    const Failure failure = failure_of(action);
    EXPECT_EQ(failure.code, ErrorCode::kFailedPrecondition);
    EXPECT_THAT(failure.message, HasSubstr("COMPLETED"));
  }
  set_state(Study::ACTIVE);
  complete_trial(1, 1);
}

TEST_F(StudyStoreTest, UpdatesMetadataOfStudyAndTrialsAllOrNothing) {
  create(studies_);
  add(studies_, new_trial({}, studies_.now()));
  set_metadata_of(
      "delta { metadatum { key: 'k' ns: ':n' value: 'old' } }"
      "delta { trial_id: '1' metadatum { key: 'k' value: 'trial' } }");
  const Study study = set_metadata_of("delta { metadatum { key: 'k' ns: ':n' value: 'new' } }");
  ASSERT_EQ(study.study_spec().metadata_size(), 1);
  EXPECT_EQ(study.study_spec().metadata(0).value(), "new");
  EXPECT_EQ(studies_.read().trial({kStudy, 1}).metadata(0).value(), "trial");
  EXPECT_EQ(failure_of([&] {
              set_metadata_of(
                  "delta { metadatum { key: 'k' ns: ':n' value: 'lost' } }"
                  "delta { trial_id: '7' metadatum { key: 'k' } }");
            }).code,
            ErrorCode::kNotFound);
  EXPECT_EQ(studies_.read().study(kStudy).study_spec().metadata(0).value(), "new");
}

TEST_F(StudyStoreTest, BoundsWhatATrialGrowsTo) {
  create(studies_);
  hand_out({{"a", 1}}, {{"0", 0, {}}});
  vizier::Measurement large;
  large.add_metrics()->set_metric_id(std::string(600'000, 'm'));
  edit(studies_, 1, [&](Trial& t) { add_measurement(t, large); });
  EXPECT_EQ(
      failure_of([&] { edit(studies_, 1, [&](Trial& t) { add_measurement(t, large); }); }).code,
      ErrorCode::kResourceExhausted);
  EXPECT_EQ(studies_.read().trial({kStudy, 1}).measurements_size(), 1);
}

TEST_F(StudyStoreTest, ListsTrialsByPages) {
  create(studies_);
  for (int i = 0; i < 5; ++i) add(studies_, new_trial({}, studies_.now()));
  std::vector<std::string> ids;
  std::string token;
  do {
    const auto page = studies_.read().trials(kStudy, 2, token);
    for (const Trial& trial : page.messages) ids.push_back(trial.id());
    token = page.next_page_token;
  } while (!token.empty());
  EXPECT_THAT(ids, ElementsAre("1", "2", "3", "4", "5"));
  EXPECT_EQ(studies_.read().trials(kStudy, 0, "").messages.size(), 5u);
  EXPECT_EQ(failure_of([&] { (void)studies_.read().trials(kStudy, -1, ""); }).code,
            ErrorCode::kInvalidArgument);
  const std::string another = studies_.read().trials(kStudy, 2, "").next_page_token;
  EXPECT_EQ(failure_of([&] { (void)studies_.read().studies("acme", 2, another); }).code,
            ErrorCode::kInvalidArgument);
}

TEST_F(StudyStoreTest, DeletesAStudyWithItsTrials) {
  create(studies_);
  hand_out({{"a", 1}}, {{"0", 0, {}}});
  const std::int64_t uid = studies_.read().head(kStudy).uid;
  await<Study>([&](auto done) { studies_.remove(kStudy, done); });
  EXPECT_EQ(failure_of([&] { (void)studies_.read().study(kStudy); }).code, ErrorCode::kNotFound);
  create(studies_);
  EXPECT_GT(studies_.read().head(kStudy).uid, uid);
  EXPECT_THAT(studies_.read().trials(kStudy, 0, "").messages, IsEmpty());
  EXPECT_THAT(studies_.read().finished(uid, 0, 10), IsEmpty());
}

TEST_F(StudyStoreTest, FindsTheTrialsThatNoOtherDominates) {
  Study study = plane_study();
  auto& gain = *study.mutable_study_spec()->add_metrics();
  gain.set_metric_id("gain");
  gain.set_goal(vizier::StudySpec::MetricSpec::MAXIMIZE);
  create(studies_, study);
  const auto add_measured = [&](double f, double value, Trial::State state = Trial::SUCCEEDED) {
    Trial trial;
    trial.set_state(state);
    *trial.mutable_final_measurement() = completion(f).final_measurement();
    auto& metric = *trial.mutable_final_measurement()->add_metrics();
    metric.set_metric_id("gain");
    metric.set_value(value);
    add(studies_, new_trial(trial, studies_.now()));
  };
  add_measured(1, 1);
  add_measured(2, 5);
  add_measured(2, 4);  // dominated
  add_measured(2, 5);  // equal to one on the front
  add_measured(0, 9, Trial::INFEASIBLE);
  std::vector<std::string> ids;
  for (const Trial& trial : optimal_trials(studies_.read(), kStudy)) ids.push_back(trial.id());
  EXPECT_THAT(ids, ElementsAre("1", "2", "4"));
}

TEST_F(StudyStoreTest, HoldsATenantToTheNumberOfItsStudies) {
  TenantQuota quota;
  quota.studies = 1;
  StudyStore studies(file_, quota);
  create(studies);
  EXPECT_NO_THROW(create(studies)) << "it is there";
  const StudyName other{"acme", "another study"};
  EXPECT_THROW(create(studies, plane_study(), other), QuotaExceeded);
  EXPECT_NO_THROW(create(studies, plane_study(), {"globex", "a study"}));
  await<Study>([&](auto done) { studies.remove(kStudy, done); });
  EXPECT_NO_THROW(create(studies, plane_study(), other));
}

TEST_F(StudyStoreTest, HoldsATenantToTheTrialsOfAllItsStudies) {
  TenantQuota quota;
  quota.study_trials = 3;
  StudyStore studies(file_, quota);
  create(studies);
  create(studies, plane_study(), {"acme", "another study"});
  const Trial trial = new_trial({}, studies.now());
  for (const char* id : {"a study", "another study", "another study"}) {
    await<Trial>([&](auto done) { studies.add_trial({"acme", id}, trial, done); });
  }
  EXPECT_THROW(add(studies, trial), QuotaExceeded);
  const std::int64_t uid = studies.read().head(kStudy).uid;
  const auto suggest = [&](std::vector<NewProposal> proposals) {
    return await<std::vector<Suggested>>([&](auto done) {
      studies.suggest(kStudy, uid, {{.client = "a client"}}, std::move(proposals), done);
    });
  };
  EXPECT_THROW(suggest({NewProposal()}), QuotaExceeded);
  EXPECT_EQ(suggest({}).at(0).response.trials_size(), 1) << "the one that is there";
  await<Study>([&](auto done) { studies.remove({"acme", "another study"}, done); });
  EXPECT_NO_THROW(add(studies, trial));
}

}  // namespace
}  // namespace hwnas::service
