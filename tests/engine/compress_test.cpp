#include "engine/compress.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stop_token>

#include "core/error.hpp"
#include "core/file.hpp"
#include "engine/pipeline.hpp"
#include "tests/engine/fake_training.hpp"
#include "tests/engine/sample_run.hpp"

namespace hwnas::engine {
namespace {

class Compress : public testing::Test {
 protected:
  Compress() {
    start_run(Experiment::load(write_wave_experiment(folder_)), {.folder = run()}, fake_training());
  }
  std::filesystem::path run() const { return folder_ / "run"; }

  CompressRequest request(const std::filesystem::path& subject, const std::string& pass) const {
    CompressRequest request;
    request.subject = subject;
    request.passes = {Config::parse(pass, "test.yaml")};
    request.formats = {"tflite"};
    request.to = folder_ / "to";
    request.log = [](const std::string&) {};
    return request;
  }
  CompressRequest file_request(const std::string& pass) const {
    CompressRequest result = request(run() / "export/waves.onnx", pass);
    result.data = Config::parse("{ name: csv_series, train: train.csv, test: test.csv }", "--data");
    result.data_folder = folder_.path();
    result.device = estimators::load_device(HWNAS_SOURCE_DIR "/configs/devices/stm32f746.yaml");
    result.runtime = "tflite_micro";
    return result;
  }

  TemporaryFolder folder_;
};

constexpr const char* kQuantize = "{ pass: quantize, calibrators: mse, accuracy_drop: 100 }";
constexpr const char* kMixed =
    "{ pass: mixed_precision, calibrators: mse, size_ratio: 3, accuracy_drop: 100 }";

TEST_F(Compress, TakesARunsChosenFinalist) {
  const CompressResult result = compress_model(request(run(), kQuantize), fake_training());
  EXPECT_TRUE(result.summary.passes.front().accepted);
  ASSERT_EQ(result.artifacts.size(), 1U);
  EXPECT_TRUE(std::filesystem::exists(result.artifacts.front().file));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "to/manifest.json"));
}

TEST_F(Compress, SaysWhatItDidInAFileBesideTheArtifacts) {
  const CompressResult result = compress_model(request(run(), kQuantize), fake_training());
  const auto said = nlohmann::json::parse(read_file(folder_ / "to" / kCompressResult, 1 << 20));
  EXPECT_EQ(said, to_json(result));
  EXPECT_EQ(said.at("passes").at(0).at("pass"), "quantize");
  EXPECT_EQ(said.at("artifacts").at(0).at("sha256"), result.artifacts.front().sha256);
}

TEST_F(Compress, StoppedItGivesNothing) {
  std::stop_source source;
  CompressRequest stopped = request(run(), kQuantize);
  stopped.stop = source.get_token();
  source.request_stop();
  try {
    compress_model(stopped, fake_training());
    FAIL() << "a result that depends on when it was stopped";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCancelled);
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ / "to"));
}

TEST_F(Compress, RefusesFormatsAndLimitsThatThereAreNot) {
  CompressRequest wrong = request(run(), kQuantize);
  wrong.formats = {"tflight"};
  EXPECT_THROW(require_valid(wrong), Error);
  wrong = request(run(), kQuantize);
  wrong.limits = {{"flash", 1}};
  EXPECT_THROW(require_valid(wrong), Error);
  wrong.limits = {{"flash_bytes", -1}};
  EXPECT_THROW(require_valid(wrong), Error);
  wrong.limits = {{"flash_bytes", 1}};
  require_valid(wrong);
}

TEST_F(Compress, TakesAUsersModel) {
  const CompressResult result = compress_model(file_request(kQuantize), fake_training());
  EXPECT_TRUE(result.summary.test_top1);
  EXPECT_TRUE(std::filesystem::exists(folder_ / "to/waves.tflite"));
}

TEST_F(Compress, MixedPrecisionKeepsItsSizeRatio) {
  const CompressResult result = compress_model(request(run(), kMixed), fake_training());
  const auto flash = std::ranges::find(result.costs, "flash_bytes", &CompressResult::Cost::metric);
  ASSERT_NE(flash, result.costs.end());
  EXPECT_GE(flash->in_float / flash->compressed.value, 3);
  EXPECT_LT(flash->compressed.value, flash->in_int8);
}

TEST_F(Compress, SaysWhatIsTheLeastWhenALimitCannotBeMet) {
  const std::string pass =
      "{ pass: mixed_precision, limits: { flash_bytes: 10 }, accuracy_drop: 100 }";
  try {
    compress_model(request(run(), pass), fake_training());
    FAIL() << "a network of 10 bytes";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kFailedPrecondition);
    EXPECT_NE(std::string(error.what()).find("flash_bytes"), std::string::npos) << error.what();
  }
}

TEST_F(Compress, RefusesAModelFileWithoutDataOrOfAnotherShape) {
  CompressRequest without_data = file_request(kQuantize);
  without_data.data.reset();
  EXPECT_THROW(compress_model(without_data, fake_training()), Error);
  CompressRequest integers = request(run(), kQuantize);
  compress_model(integers, fake_training());
  CompressRequest again = file_request(kQuantize);
  again.subject = folder_ / "to/waves.tflite";
  EXPECT_THROW(compress_model(again, fake_training()), Error);
}

}  // namespace
}  // namespace hwnas::engine
