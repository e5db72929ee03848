#include <gtest/gtest.h>

#include "core/error.hpp"
#include "train/supernet.hpp"

namespace hwnas::train {
namespace {

TEST(TrainOptions, AreReadByName) {
  const TrainOptions options = train_options_from_config(
      Config::parse("epochs: 7\noptimizer: adamw\nlearning_rate: 0.01\nprecision: bfloat16\n"
                    "augmentation: { crop_padding: 2, flip: true, erase_size: 8 }\n",
                    "test.yaml"));
  EXPECT_EQ(options.epochs, 7);
  EXPECT_EQ(options.optimizer, Optimizer::kAdamW);
  EXPECT_DOUBLE_EQ(options.learning_rate, 0.01);
  EXPECT_EQ(options.precision, TrainPrecision::kBfloat16);
  EXPECT_EQ(options.augmentation.crop_padding, 2);
  EXPECT_TRUE(options.augmentation.flip);
  EXPECT_EQ(options.augmentation.erase_size, 8);
}

TEST(TrainOptions, KeepDefaultsForAbsentKeys) {
  const TrainOptions options =
      train_options_from_config(Config::parse("epochs: 7\n", "test.yaml"), {.batch_size = 77});
  EXPECT_EQ(options.batch_size, 77);
}

TEST(TrainOptions, RefuseWhatIsOutOfRangeOrUnknown) {
  for (const char* text : {"epochs: 0", "learning_rate: -1", "momentum: 1", "optimizer: adagrad",
                           "precision: int8", "augmentation: { rotate: 3 }", "batch_size: many"}) {
    EXPECT_THROW(train_options_from_config(Config::parse(text, "test.yaml")), Error) << text;
  }
}

TEST(TrainOptions, EveryNamedKeyIsRead) {
  // A key that is named as known but not read would be accepted and ignored.
  for (const std::string& name : train_option_names()) {
    if (name == "device") continue;  // any text may name a device
    EXPECT_THROW(train_options_from_config(Config::parse(name + ": [1]", "test.yaml")), Error)
        << name;
  }
}

TEST(SupernetOptions, AreReadByNameTogetherWithThoseOfTraining) {
  const SupernetOptions options = supernet_options_from_config(Config::parse(
      "scheme: fair\nepochs: 9\nrandom_networks: 3\ncalibration_samples: 64\n", "test.yaml"));
  EXPECT_EQ(options.scheme, SupernetScheme::kFair);
  EXPECT_EQ(options.training.epochs, 9);
  EXPECT_EQ(options.random_networks, 3);
  EXPECT_EQ(options.calibration_samples, 64);
  for (const char* text : {"scheme: greedy", "random_networks: -1", "calibration_samples: 0"}) {
    EXPECT_THROW(supernet_options_from_config(Config::parse(text, "test.yaml")), Error) << text;
  }
}

}  // namespace
}  // namespace hwnas::train
