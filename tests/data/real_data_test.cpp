#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <numeric>

#include "data/dataset.hpp"

// The published data sets, where they are installed.
namespace hwnas::data {
namespace {

namespace fs = std::filesystem;

fs::path data_folder() {
  const char* folder = std::getenv("HWNAS_DATA");
  return folder ? fs::path(folder) : fs::path(HWNAS_SOURCE_DIR) / "../shared/data";
}

TEST(RealData, FashionMnistIsAsPublished) {
  if (!fs::exists("/usr/share/datasets/fashion-mnist")) {
    GTEST_SKIP() << "install dataset-fashion-mnist";
  }
  const DataSource source = read_data(Config::parse("{ name: fashion_mnist }", "a.yaml"));
  EXPECT_EQ(source.train.shape, (ir::Shape{1, 28, 28}));
  EXPECT_EQ(source.train.size(), 60'000u);
  EXPECT_EQ(source.test.size(), 10'000u);
  std::vector<int> counts(10);
  for (const std::int64_t label : source.train.labels) ++counts.at(static_cast<std::size_t>(label));
  for (const int count : counts) EXPECT_EQ(count, 6000);
  EXPECT_EQ(source.train.class_names[9], "Ankle boot");
  EXPECT_EQ(source.train.labels[0], 9);

  // 0.2860 and 0.3530 are the values in common use for this training set.
  std::vector<std::size_t> all(source.train.size());
  std::iota(all.begin(), all.end(), 0);
  const Normalisation normalisation = measure_normalisation(source.train, all);
  EXPECT_NEAR(normalisation.mean[0], 0.2860, 1e-4);
  EXPECT_NEAR(normalisation.std_dev[0], 0.3530, 1e-4);
}

struct SeriesCase {
  const char* name;
  ir::Shape shape;
  std::size_t train;
  std::size_t test;
  std::vector<std::string> classes;
};

TEST(RealData, SmallTimeSeriesAreAsPublished) {
  const fs::path folder = data_folder() / "small_timeseries";
  if (!fs::exists(folder)) GTEST_SKIP() << "set HWNAS_DATA to the folder of small_timeseries";
  const SeriesCase cases[] = {
      {"BasicMotions", {6, 1, 100}, 40, 40, {"Badminton", "Running", "Standing", "Walking"}},
      {"GunPoint", {1, 1, 150}, 50, 150, {"1", "2"}},
  };
  for (const SeriesCase& expected : cases) {
    Config options = Config::parse("{ name: csv_series }", "a.yaml");
    options.set("train", std::string(expected.name) + "_TRAIN.csv.gz");
    options.set("test", std::string(expected.name) + "_TEST.csv.gz");
    const DataSource source = read_data(options, folder);
    EXPECT_EQ(source.train.shape, expected.shape);
    EXPECT_EQ(source.train.size(), expected.train);
    EXPECT_EQ(source.test.size(), expected.test);
    EXPECT_EQ(source.train.class_names, expected.classes);
    EXPECT_FALSE(source.train.is_bytes());
  }
}

}  // namespace
}  // namespace hwnas::data
