#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "engine/pipeline.hpp"
#include "engine/store.hpp"
#include "engine/verify.hpp"
#include "tests/engine/fake_training.hpp"
#include "tests/engine/sample_run.hpp"

namespace hwnas::engine {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

/// The fake training's accuracies are no network's: every pass may lose all.
constexpr const char* kQuantize =
    "compression=[ { pass: quantize, calibrators: mse, accuracy_drop: 100 } ]";

class CompressionStage : public testing::Test {
 protected:
  Experiment waves(const std::vector<std::string>& sets) const {
    return Experiment::load(write_wave_experiment(folder_), sets);
  }
  fs::path run() const { return folder_ / "run"; }

  TemporaryFolder folder_;
};

TEST_F(CompressionStage, EndsInIntegersInEveryFormat) {
  start_run(waves({kQuantize, "export=[ onnx, onnx_qdq, tflite, c ]"}), {.folder = run()},
            fake_training());
  const report::RunSummary summary = summarise_run(run());
  ASSERT_TRUE(summary.compression);
  EXPECT_TRUE(summary.compression->passes.at(0).accepted);
  EXPECT_FALSE(summary.compression->passes.at(0).layers.empty());
  EXPECT_TRUE(summary.compression->test_top1);
  ASSERT_EQ(summary.artifacts.size(), 4U);
  for (const report::ArtifactSummary& artifact : summary.artifacts) {
    const fs::path file = run() / artifact.file;
    EXPECT_TRUE(fs::exists(file)) << file;
    const Verification done = verify_artifact(file, {});
    EXPECT_EQ(done.format, artifact.format);
    EXPECT_EQ(done.sha256, artifact.sha256);
  }
  const auto manifest = nlohmann::json::parse(std::ifstream(run() / "export" / "manifest.json"));
  EXPECT_THAT(manifest.dump(), HasSubstr("quantized_test_top1"));
}

TEST_F(CompressionStage, VerifyFindsAFileThatComputesSomethingElse) {
  start_run(waves({kQuantize, "export=[ tflite ]"}), {.folder = run()}, fake_training());
  start_run(waves({kQuantize, "export=[ tflite ]", "seed=4"}), {.folder = folder_ / "other"},
            fake_training());
  EXPECT_THROW(verify_artifact(folder_ / "other/export/waves.tflite", run()), Error);
}

TEST_F(CompressionStage, APassThatLosesTooMuchIsRolledBackAndIntegerFormatsAreRefused) {
  const char* const strict = "compression=[ { pass: quantize, accuracy_drop: 0 } ]";
  start_run(waves({strict, "export=[ onnx ]"}), {.folder = run()}, fake_training());
  const report::RunSummary summary = summarise_run(run());
  ASSERT_TRUE(summary.compression);
  EXPECT_FALSE(summary.compression->passes.at(0).accepted);
  EXPECT_FALSE(summary.compression->test_top1);
  EXPECT_THROW(export_run(run(), {"c"}, folder_ / "to", std::nullopt), Error);
}

TEST_F(CompressionStage, AnInterruptedOneStartsAgain) {
  const Experiment experiment = waves({kQuantize, "export=[ tflite ]"});
  std::stop_source drain;
  RunOptions options{.folder = run(), .drain = drain.get_token()};
  options.progress = [&](const Progress& progress) {
    if (progress.stage == "compression") drain.request_stop();
  };
  EXPECT_EQ(start_run(experiment, options, fake_training()).state, RunState::kInterrupted);
  EXPECT_FALSE(summarise_run(run()).compression);
  EXPECT_EQ(resume_run({.folder = run()}, fake_training()).state, RunState::kFinished);
  EXPECT_TRUE(summarise_run(run()).compression);
}

TEST_F(CompressionStage, IntegersThatWereChangedAreNotExported) {
  start_run(waves({kQuantize, "export=[ tflite ]"}), {.folder = run()}, fake_training());
  for (const fs::directory_entry& entry : fs::directory_iterator(run() / "finalists")) {
    if (entry.path().string().ends_with(".quantized.json")) std::ofstream(entry.path()) << "{}";
  }
  EXPECT_THROW(export_run(run(), {"tflite"}, folder_ / "to", std::nullopt), Error);
}

TEST_F(CompressionStage, IntegerFormatsNeedAPass) {
  EXPECT_THROW(waves({"export=[ c ]"}), Error);
  EXPECT_THROW(waves({"compression=[ { pass: shrink } ]"}), Error);
  EXPECT_THROW(waves({"compression=[ { pass: quantize } ]", "finalists.count=0", "export=[]"}),
               Error);
}

}  // namespace
}  // namespace hwnas::engine
