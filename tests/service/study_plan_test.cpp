#include "service/study_plan.hpp"

#include <gmock/gmock.h>

#include "service/error_status.hpp"
#include "service/study_stopping.hpp"
#include "tests/service/sample_studies.hpp"

namespace hwnas::service {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

vizier::StudySpec spec_with(const std::string& metrics, const std::string& algorithm = "") {
  auto spec = message_of<vizier::StudySpec>(
      metrics + "parameters { parameter_id: 'x' double_value_spec { max_value: 1 } }");
  spec.set_algorithm(algorithm);
  return spec;
}

std::string refusal_of(const vizier::StudySpec& spec) {
  try {
    const StudyPlan plan(spec);
    return "";
  } catch (const InvalidField& failure) {
    return failure.what();
  }
}

const std::string kCost = "metrics { metric_id: 'cost' goal: MINIMIZE }";
const std::string kGain = "metrics { metric_id: 'gain' goal: MAXIMIZE }";

TEST(StudyPlan, TakesViziersNamesOfAlgorithmsAndEveryStrategysOwn) {
  for (const char* algorithm : {"", "DEFAULT", "ALGORITHM_UNSPECIFIED", "RANDOM_SEARCH", "NSGA2"}) {
    EXPECT_EQ(refusal_of(spec_with(kCost, algorithm)), "") << algorithm;
  }
  for (const search::StrategyInfo& strategy : search::strategies()) {
    EXPECT_EQ(refusal_of(spec_with(kCost, std::string(strategy.name))), "") << strategy.name;
  }
}

TEST(StudyPlan, NamesTheAlgorithmsThereAreWhereItHasNotTheOneAskedFor) {
  const std::string refusal = refusal_of(spec_with(kCost, "GAUSSIAN_PROCESS_BANDIT"));
  EXPECT_THAT(refusal, HasSubstr("study.study_spec.algorithm: 'GAUSSIAN_PROCESS_BANDIT'"));
  EXPECT_THAT(refusal, HasSubstr("RANDOM_SEARCH"));
  EXPECT_THAT(refusal, HasSubstr("aging_evolution"));
}

TEST(StudyPlan, RefusesSpacesWhoseNeighbourhoodsAreTooLargeForLocalSearch) {
  vizier::StudySpec spec = spec_with(kCost, "local_search");
  for (int i = 0; i < 500; ++i) {
    auto& parameter = *spec.add_parameters();
    parameter.set_parameter_id("p" + std::to_string(i));
    parameter.mutable_double_value_spec()->set_max_value(1);
  }
  EXPECT_THAT(refusal_of(spec), HasSubstr("too many for local_search"));
  spec.set_algorithm("random");
  EXPECT_EQ(refusal_of(spec), "");
}

TEST(StudyPlan, RefusesMetricsThatCannotBeOptimised) {
  EXPECT_THAT(refusal_of(spec_with("")), HasSubstr("study.study_spec.metrics"));
  EXPECT_THAT(refusal_of(spec_with(kCost + kCost)), HasSubstr("'cost' is there twice"));
  EXPECT_THAT(refusal_of(spec_with("metrics { metric_id: 'a' }")), HasSubstr("metrics[0].goal"));
  EXPECT_THAT(refusal_of(spec_with("metrics { goal: MINIMIZE }")), HasSubstr("metric_id"));
  EXPECT_THAT(
      refusal_of(spec_with(
          "metrics { metric_id: 'a' goal: MAXIMIZE safety_config { safety_threshold: 1 } }")),
      HasSubstr("one of them without safety_config"));
}

vizier::Trial ended(const std::string& metrics, const std::string& state = "SUCCEEDED") {
  return message_of<vizier::Trial>("state: " + state + " final_measurement { " + metrics + " }");
}

TEST(StudyPlan, TurnsWhatIsToBeMaximised) {
  const StudyPlan plan(spec_with(kCost + kGain));
  const search::Trial trial = plan.result(
      ended("metrics { metric_id: 'gain' value: 3 } metrics { metric_id: 'cost' value: 2 }"));
  EXPECT_EQ(trial.state, search::TrialState::kComplete);
  EXPECT_THAT(trial.objectives, ElementsAre(2, -3));
}

TEST(StudyPlan, ATrialWithoutAllFiniteObjectivesOrInfeasibleHasFailed) {
  const StudyPlan plan(spec_with(kCost + kGain));
  for (const vizier::Trial& trial :
       {ended("metrics { metric_id: 'gain' value: 3 }"),
        ended("metrics { metric_id: 'gain' value: nan } metrics { metric_id: 'cost' value: 2 }"),
        ended("metrics { metric_id: 'gain' value: 1 } metrics { metric_id: 'cost' value: 2 }",
              "INFEASIBLE")}) {
    const search::Trial result = plan.result(trial);
    EXPECT_EQ(result.state, search::TrialState::kFailed);
    EXPECT_THAT(result.objectives, IsEmpty());
  }
}

TEST(StudyPlan, AMetricWithASafetyThresholdIsALimit) {
  const StudyPlan plan(spec_with(kCost + "metrics { metric_id: 'ms' goal: MINIMIZE safety_config { "
                                         "safety_threshold: 10 } }"));
  const auto result = [&](const std::string& ms) {
    return plan.result(
        ended("metrics { metric_id: 'cost' value: 2 } metrics { metric_id: 'ms' "
              "value: " +
              ms + " }"));
  };
  EXPECT_EQ(result("10").state, search::TrialState::kComplete);
  EXPECT_THAT(result("10").objectives, ElementsAre(2));
  EXPECT_EQ(result("15").state, search::TrialState::kInfeasible);
  EXPECT_DOUBLE_EQ(result("15").violation, 0.5);
}

TEST(MedianStopping, StopsWhatIsWorseThanTheMedianOfAverages) {
  MedianStopping stopping;
  for (const double level : {1.0, 2.0, 6.0}) {
    stopping.add(std::vector<CurvePoint>{{1, level + 1}, {2, level - 1}, {5, level}});
  }
  const auto judged = [&](std::vector<CurvePoint> curve) { return stopping.should_stop(curve); };
  // Until step 1 the averages are 2, 3 and 7; until step 2 they are 1, 2 and 6.
  EXPECT_FALSE(judged({{1, 3}}));
  EXPECT_TRUE(judged({{1, 3.5}}));
  EXPECT_TRUE(judged({{1, 3.5}, {2, 2.5}}));
  EXPECT_FALSE(judged({{1, 2}, {2, 9}}));  // its best counts
  EXPECT_FALSE(judged({{0.5, 100}}));      // nothing to be compared with
  EXPECT_FALSE(judged({}));
}

TEST(MedianStopping, WaitsForThreeFinishedTrials) {
  MedianStopping stopping;
  for (int i = 0; i < 2; ++i) stopping.add(std::vector<CurvePoint>{{1, 0}});
  stopping.add({});
  EXPECT_FALSE(stopping.should_stop(std::vector<CurvePoint>{{1, 100}}));
  stopping.add(std::vector<CurvePoint>{{1, 0}});
  EXPECT_TRUE(stopping.should_stop(std::vector<CurvePoint>{{1, 100}}));
}

}  // namespace
}  // namespace hwnas::service
