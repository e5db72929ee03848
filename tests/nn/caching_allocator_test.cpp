#include "nn/caching_allocator.hpp"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cstdint>
#include <thread>

namespace hwnas::nn {
namespace {

TEST(CachingAllocator, HandsAFreedBlockOutAgain) {
  install_caching_allocator();
  const void* first = torch::empty({1'000'000}).data_ptr();
  const void* second = torch::empty({1'000'000}).data_ptr();
  EXPECT_EQ(first, second);
}

TEST(CachingAllocator, AlignsEverySizeToACacheLine) {
  install_caching_allocator();
  for (std::int64_t size = 1; size < 5'000'000; size = size * 3 + 1) {
    const torch::Tensor tensor = torch::ones({size});
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(tensor.data_ptr()) % 64, 0U) << size;
    EXPECT_EQ(tensor.sum().item<double>(), double(size));
  }
}

TEST(CachingAllocator, LivingTensorsDoNotOverlapAcrossThreads) {
  install_caching_allocator();
  const auto work = [](float value) {
    for (int round = 0; round < 200; ++round) {
      const torch::Tensor a = torch::full({30'000}, value);
      const torch::Tensor b = torch::full({30'000}, value + 1);
      ASSERT_EQ(a.min().item<float>(), value);
      ASSERT_EQ(b.max().item<float>(), value + 1);
    }
  };
  std::thread other(work, 10.0F);
  work(20.0F);
  other.join();
}

}  // namespace
}  // namespace hwnas::nn
