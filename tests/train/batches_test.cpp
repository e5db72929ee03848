#include "train/batches_torch.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <set>

namespace hwnas::train {
namespace {

using torch::Tensor;

/// Two channels of 4x5 with every byte different from its neighbours.
data::Dataset numbered() {
  data::Dataset dataset;
  dataset.shape = {2, 4, 5};
  dataset.class_names = {"a", "b"};
  dataset.bytes.resize(3 * 40);
  std::iota(dataset.bytes.begin(), dataset.bytes.end(), std::uint8_t{1});
  dataset.labels = {0, 1, 0};
  return dataset;
}

const data::Normalisation kIdentity{{0, 0}, {1, 1}};
const std::vector<std::size_t> kAll{0, 1, 2};

/// Sample `i` of the data set as C x H x W in 0..1.
Tensor plain(const data::Dataset& dataset, std::int64_t i) {
  const Tensor all =
      torch::from_blob(const_cast<std::uint8_t*>(dataset.bytes.data()), {3, 2, 4, 5}, torch::kByte);
  return all[i].to(torch::kFloat) / 255;
}

Tensor augmented(BatchLoader& loader, std::span<const std::size_t> samples,
                 const Augmentation& augmentation, Rng& rng) {
  loader.start(samples, augmentation, rng);
  return loader.take().images;
}

TEST(BatchLoader, GathersSamplesAndLabelsInTheGivenOrder) {
  const data::Dataset dataset = numbered();
  BatchLoader loader(dataset, kIdentity, torch::kCPU, 4);
  const std::vector<std::size_t> samples{2, 0};
  const Batch batch = loader.load(samples);
  ASSERT_EQ(batch.images.sizes(), (std::vector<std::int64_t>{2, 2, 4, 5}));
  EXPECT_TRUE(batch.images.is_contiguous(at::MemoryFormat::ChannelsLast));
  EXPECT_TRUE(batch.images[0].allclose(plain(dataset, 2)));
  EXPECT_TRUE(batch.images[1].allclose(plain(dataset, 0)));
  EXPECT_EQ(batch.labels[0].item<int>(), 0);
}

TEST(BatchLoader, ABatchStaysWhileTheNextOneIsAssembled) {
  const data::Dataset dataset = numbered();
  BatchLoader loader(dataset, kIdentity, torch::kCPU, 4);
  Rng rng(1);
  const std::vector<std::size_t> first{2};
  const std::vector<std::size_t> second{1};
  loader.start(first, {}, rng);
  const Batch taken = loader.take();
  loader.start(second, {}, rng);
  EXPECT_TRUE(loader.take().images[0].allclose(plain(dataset, 1)));
  EXPECT_TRUE(taken.images[0].allclose(plain(dataset, 2)));
}

TEST(BatchLoader, NormalisesEachChannel) {
  const data::Dataset dataset = numbered();
  BatchLoader loader(dataset, {{0.25, 0.5}, {2, 4}}, torch::kCPU, 4);
  const Tensor images = loader.load(kAll).images;
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(images[i][0].allclose((plain(dataset, i)[0] - 0.25) / 2));
    EXPECT_TRUE(images[i][1].allclose((plain(dataset, i)[1] - 0.5) / 4));
  }
}

TEST(BatchLoader, EveryCropIsAWindowOfTheZeroPaddedImage) {
  const data::Dataset dataset = numbered();
  BatchLoader loader(dataset, kIdentity, torch::kCPU, 4);
  Rng rng(3);
  std::set<std::pair<int, int>> seen;
  for (int round = 0; round < 60; ++round) {
    const Tensor images = augmented(loader, kAll, {.crop_padding = 2}, rng);
    for (int i = 0; i < 3; ++i) {
      const Tensor padded = torch::constant_pad_nd(plain(dataset, i), {2, 2, 2, 2});
      bool found = false;
      for (int y = 0; y <= 4 && !found; ++y) {
        for (int x = 0; x <= 4 && !found; ++x) {
          found = images[i].allclose(padded.narrow(1, y, 4).narrow(2, x, 5));
          if (found) seen.insert({y, x});
        }
      }
      EXPECT_TRUE(found);
    }
  }
  EXPECT_EQ(seen.size(), 25U);  // all shifts occur
}

TEST(BatchLoader, FlipsAboutHalfOfTheImages) {
  const data::Dataset dataset = numbered();
  BatchLoader loader(dataset, kIdentity, torch::kCPU, 4);
  Rng rng(3);
  int flipped = 0;
  for (int round = 0; round < 100; ++round) {
    const Tensor images = augmented(loader, kAll, {.flip = true}, rng);
    for (int i = 0; i < 3; ++i) {
      const bool mirror = images[i].allclose(plain(dataset, i).flip({2}));
      EXPECT_TRUE(mirror || images[i].allclose(plain(dataset, i)));
      flipped += mirror;
    }
  }
  EXPECT_NEAR(flipped, 150, 40);
}

TEST(BatchLoader, ErasesOneSquareToTheMean) {
  const data::Dataset dataset = numbered();
  BatchLoader loader(dataset, kIdentity, torch::kCPU, 4);
  Rng rng(3);
  const Tensor images = augmented(loader, kAll, {.erase_size = 2}, rng);
  for (int i = 0; i < 3; ++i) EXPECT_EQ((images[i][0] == 0).sum().item<int>(), 4);
}

TEST(BatchLoader, ShiftsSignalsAlongTimeOnly) {
  data::Dataset dataset;
  dataset.shape = {1, 1, 6};
  dataset.class_names = {"a"};
  dataset.floats = {1, 2, 3, 4, 5, 6};
  dataset.labels = {0};
  BatchLoader loader(dataset, {{0}, {1}}, torch::kCPU, 1);
  Rng rng(3);
  const std::vector<std::size_t> only{0};
  for (int round = 0; round < 20; ++round) {
    EXPECT_GT(augmented(loader, only, {.crop_padding = 2}, rng).abs().sum().item<float>(), 9);
  }
}

}  // namespace
}  // namespace hwnas::train
