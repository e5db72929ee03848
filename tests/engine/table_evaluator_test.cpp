#include "engine/table_evaluator.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cmath>
#include <cstdlib>
#include <ostream>

#include "core/error.hpp"
#include "engine/pipeline.hpp"
#include "engine/store.hpp"
#include "tests/core/temporary_folder.hpp"
#include "tests/engine/fake_training.hpp"

namespace hwnas::engine {
namespace {

using search::TrialState;
using testing::HasSubstr;

constexpr const char* kExperiment = R"(version: 1
name: cells
data: { name: none, input: [ 3, 32, 32 ], classes: 10 }
space: { family: nasbench201 }
device: { name: stm32f746, runtime: tflite_micro }
objectives: [ maximize val_top1, minimize board_ms ]
search: { strategy: random, trials: 10 }
evaluator:
  name: table
  tables:
    - { file: accuracy.csv, key: ops, metrics: { val_top1: accuracy } }
    - { file: latency.csv, key: cell, metrics: { board_ms: ms } }
)";

class TableEvaluator : public testing::Test {
 protected:
  std::optional<Evaluation> look_up(const std::string& accuracy, const std::string& latency,
                                    const std::string& cell = "4-2-1-2-1-1") {
    folder_.write("accuracy.csv", accuracy);
    folder_.write("latency.csv", latency);
    const Experiment experiment = Experiment::load(folder_.write("cells.yaml", kExperiment));
    const Inputs inputs = load_inputs(experiment);
    const Training training;
    const auto evaluator = make_table_evaluator({experiment, inputs, training});
    const spaces::Genotype genotype = spaces::genotype_from_string(cell);
    const ir::Network network = inputs.space->decode(genotype);
    return evaluator->evaluate({0, genotype, network, 0}, [](const report::CurvePoint&) {}, {});
  }
  TemporaryFolder folder_;
};

TEST_F(TableEvaluator, JoinsTablesWhateverTheirKeysForm) {
  const auto evaluation =
      look_up("ops,accuracy\n000000,10\n421211,88.5\n", "ms,cell\r\n7.25,4-2-1-2-1-1\r\n");
  ASSERT_TRUE(evaluation);
  EXPECT_EQ(evaluation->state, TrialState::kComplete);
  ASSERT_EQ(evaluation->metrics.size(), 2U);
  EXPECT_EQ(evaluation->metrics[0].name, "val_top1");
  EXPECT_EQ(evaluation->metrics[0].value, 88.5);
  EXPECT_EQ(evaluation->metrics[1].name, "board_ms");
  EXPECT_EQ(evaluation->metrics[1].value, 7.25);
}

TEST_F(TableEvaluator, FailsACandidateThatOneTableLacks) {
  const auto evaluation = look_up("ops,accuracy\n421211,88.5\n", "ms,cell\n7.25,000000\n");
  ASSERT_TRUE(evaluation);
  EXPECT_EQ(evaluation->state, TrialState::kFailed);
  EXPECT_EQ(evaluation->reason, "not in the table");
}

TEST_F(TableEvaluator, ReadsAnEmptyFieldAsNotANumber) {
  const auto evaluation = look_up("ops,accuracy\n421211,\n", "ms,cell\n7.25,421211\n");
  ASSERT_TRUE(evaluation);
  EXPECT_TRUE(std::isnan(evaluation->metrics.at(0).value));
}

struct BadTable {
  std::string name;
  std::string text;
  std::string message;
};

std::ostream& operator<<(std::ostream& out, const BadTable& table) {
  return out << table.name;
}

class TableEvaluatorBadTables : public TableEvaluator,
                                public testing::WithParamInterface<BadTable> {};

TEST_P(TableEvaluatorBadTables, AreRefusedWithFileAndLine) {
  try {
    look_up(GetParam().text, "ms,cell\n7.25,421211\n");
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(error.what(), HasSubstr(GetParam().message));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Tables, TableEvaluatorBadTables,
    testing::Values(BadTable{"column", "ops,accurcy\n421211,1\n", "accurcy"},
                    BadTable{"fields", "ops,accuracy\n421211,1\n000000\n", "accuracy.csv:3: "},
                    BadTable{"number", "ops,accuracy\n421211,many\n", "accuracy.csv:2: "},
                    BadTable{"twice", "ops,accuracy\n421211,1\n421211,2\n",
                             "accuracy.csv:3: the genotype '421211' is there twice"}),
    [](const auto& table) { return table.param.name; });

TEST(TableEvaluatorOnNasBench201, SearchesPublishedTablesTheSameWithAnyNumberOfWorkers) {
  const char* data = std::getenv("HWNAS_DATA");
  const std::filesystem::path folder = data != nullptr ? data : HWNAS_SOURCE_DIR "/../shared/data";
  if (!std::filesystem::exists(folder / "nasbench201")) GTEST_SKIP() << "no tables in " << folder;
  const Experiment experiment = Experiment::load(
      HWNAS_SOURCE_DIR "/configs/experiments/nb201_table.yaml",
      {fmt::format(
           "evaluator.tables=[ {{ file: {0}/nasbench201/nb201_accuracy.csv.gz, key: ops, metrics: "
           "{{ val_top1: c10_val_200ep }} }}, {{ file: {0}/hw_nas_bench/nb201_cifar10.csv.gz, key: "
           "ops, metrics: {{ raspi4_latency_ms: raspi4_latency_ms }} }} ]",
           std::filesystem::absolute(folder).string()),
       "search.trials=60"});
  const TemporaryFolder runs;
  const auto front_with = [&](int workers) {
    const auto run = runs / std::to_string(workers);
    start_run(experiment, {.folder = run, .workers = workers}, fake_training());
    std::string front;
    for (const report::TrialSummary& trial : summarise_run(run).trials) {
      if (trial.on_front) front += fmt::format("{} {}\n", trial.id, trial.genotype);
    }
    return front;
  };
  const std::string front = front_with(1);
  EXPECT_FALSE(front.empty());
  EXPECT_EQ(front_with(8), front);
}

}  // namespace
}  // namespace hwnas::engine
