#include "cli/portable_experiment.hpp"

#include <gmock/gmock.h>

#include "core/file.hpp"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "tests/core/temporary_folder.hpp"

namespace hwnas::cli {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr const char* kExperiment = R"(# A comment that goes along.
version: 1
name: small
data: { name: waves }
space: { file: ../spaces/small.yaml }
device: { name: stm32f746, runtime: tflite_micro }
objectives: [ maximize val_top1 ]
search: { strategy: random, trials: 3 }
evaluator: { name: train, epochs: 3 }
)";
constexpr const char* kSpace = R"(family: conv1d
stages:
  - { depth: [ 1 ], channels: [ 4 ], kernel: [ 3 ], stride: [ 1 ] }
)";

client::CallError refusal(const std::vector<client::FieldViolation>& violations) {
  google::rpc::BadRequest request;
  for (const auto& violation : violations) {
    auto& added = *request.add_field_violations();
    added.set_field(violation.field);
    added.set_description(violation.description);
  }
  google::rpc::Status status;
  status.add_details()->PackFrom(request);
  return {{grpc::StatusCode::INVALID_ARGUMENT, "refused", status.SerializeAsString()}, "refused"};
}

class PortableExperimentTest : public testing::Test {
 protected:
  PortableExperiment portable(const std::vector<std::string>& sets = {}) const {
    return {file_, sets};
  }
  /// As hwnasd refuses a value, with the place that it has in the text sent.
  static client::CallError refuse(const PortableExperiment& sent, const std::string& key) {
    const Config* node = nullptr;
    const Config text = Config::parse(sent.text(), "sent");
    node = &text;
    for (std::size_t begin = 0; begin <= key.size();) {
      const std::size_t end = std::min(key.find('.', begin), key.size());
      node = &node->at(key.substr(begin, end - begin));
      begin = end + 1;
    }
    return refusal({{"search_job.experiment:" + key,
                     fmt::format("{}:{}: is wrong", node->mark().line, node->mark().column)}});
  }

  const TemporaryFolder folder_;
  const fs::path space_ = folder_.write("spaces/small.yaml", kSpace);
  const fs::path file_ = folder_.write("experiments/small.yaml", kExperiment);
};

TEST_F(PortableExperimentTest, HasTheSpaceAndTheDeviceInThePlacesOfTheirNames) {
  const Config sent = Config::parse(portable().text(), "sent");
  EXPECT_EQ(sent.at("space").at("family").as_string(), "conv1d");
  EXPECT_EQ(sent.at("space").at("stages").items().size(), 1u);
  EXPECT_FALSE(sent.at("space").has("file"));
  EXPECT_TRUE(sent.at("device").at("profile").has("runtimes"));
  EXPECT_EQ(sent.at("device").at("runtime").as_string(), "tflite_micro");
  EXPECT_EQ(sent.at("data").at("name").as_string(), "waves");
}

TEST_F(PortableExperimentTest, IsTheFileToTheByteIfItNeedsNothingElse) {
  const std::string text =
      "# Mine.\nspace: {  family: conv1d }\ndevice: { name: of_the_daemon, runtime: x }\n";
  const fs::path file = folder_.write("experiments/whole.yaml", text);
  EXPECT_EQ(PortableExperiment(file, {}).text(), text);
}

TEST_F(PortableExperimentTest, HasTheValuesSetOnTheCommandLine) {
  const Config sent = Config::parse(portable({"search.trials=8"}).text(), "sent");
  EXPECT_EQ(sent.at("search").at("trials").as_string(), "8");
}

TEST_F(PortableExperimentTest, SaysWhereInTheFilesTheDaemonsFaultsAre) {
  const PortableExperiment sent = portable({"evaluator.epochs=0"});
  EXPECT_EQ(sent.at_home(refuse(sent, "search.trials")).what(),
            file_.string() + ":8:37: search.trials: is wrong");
  EXPECT_EQ(sent.at_home(refuse(sent, "space.family")).what(),
            space_.string() + ":1:9: family: is wrong");
  EXPECT_THAT(sent.at_home(refuse(sent, "device.profile.runtimes")).what(),
              HasSubstr("configs/devices/stm32f746.yaml:"));
  EXPECT_EQ(sent.at_home(refuse(sent, "device.runtime")).what(),
            file_.string() + ":6:37: device.runtime: is wrong");
  EXPECT_EQ(sent.at_home(refuse(sent, "evaluator.epochs")).what(),
            std::string("--set:1:1: evaluator.epochs: is wrong"));
}

TEST_F(PortableExperimentTest, TellsEveryFault) {
  const PortableExperiment sent = portable();
  const auto told = sent.at_home(refusal({{"search_job.experiment:version", "1:10: is old"},
                                          {"search_job.experiment:name", "2:7: is long"}}));
  EXPECT_THAT(told.what(), HasSubstr(file_.string() + ":2:10: version: is old\n"));
  EXPECT_THAT(told.what(), HasSubstr(file_.string() + ":3:7: name: is long"));
}

TEST_F(PortableExperimentTest, LeavesOtherRefusalsAsTheyAre) {
  EXPECT_STREQ(portable().at_home(refusal({{"search_job_id", "is no id"}})).what(), "refused");
}

TEST_F(PortableExperimentTest, NamesAFileThatIsMissing) {
  fs::remove(space_);
  EXPECT_THROW(portable(), Error);
  EXPECT_THROW(PortableExperiment(folder_ / "none.yaml", {}), Error);
}

}  // namespace
}  // namespace hwnas::cli
