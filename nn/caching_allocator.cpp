#include "nn/caching_allocator.hpp"

#include <c10/core/CPUAllocator.h>
#include <sys/mman.h>
#include <torch/torch.h>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdlib>
#include <mutex>
#include <new>
#include <vector>

#include "nn/torch_compat.hpp"

namespace hwnas::nn {
namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kSmallest = 256;

/// Sizes are rounded up to an eighth of a power of two: at most 12.5 % is wasted, and a few hundred
/// classes cover all sizes.
struct SizeClass {
  std::size_t index;
  std::size_t bytes;
};
SizeClass size_class(std::size_t bytes) {
  bytes = std::max(bytes, kSmallest);
  const std::size_t step = std::bit_floor(bytes) / 8;
  const std::size_t rounded = (bytes + step - 1) / step * step;
  const auto log2 = static_cast<std::size_t>(std::bit_width(rounded) - 1);
  return {log2 * 8 + (rounded / (std::bit_floor(rounded) / 8) - 8), rounded};
}

/// Free blocks by size class; handed out last in, first out, so that they are warm.
class FreeLists {
 public:
  void* take(std::size_t index) {
    const std::lock_guard lock(mutex_);
    auto& list = lists_[index];
    if (list.empty()) return nullptr;
    void* block = list.back();
    list.pop_back();
    return block;
  }
  void give(std::size_t index, void* block) {
    const std::lock_guard lock(mutex_);
    lists_[index].push_back(block);
  }

 private:
  std::mutex mutex_;
  std::array<std::vector<void*>, 64 * 8> lists_;
};

FreeLists& free_lists() {
  // Never destroyed: tensors in static storage are freed after any destructor of ours.
  static auto* const lists = new FreeLists;
  return *lists;
}

/// A header before each block tells its class to the deleter, which is given the pointer only.
struct Header {
  std::size_t class_index;
};
static_assert(sizeof(Header) <= kAlignment);

void* fresh_block(std::size_t bytes) {
  const std::size_t alignment = bytes >= kHugePage ? kHugePage : kAlignment;
  void* block = nullptr;
  if (posix_memalign(&block, alignment, bytes) != 0) throw std::bad_alloc();
  if (bytes >= kHugePage) madvise(block, bytes, MADV_HUGEPAGE);  // advice: failure costs only speed
  return block;
}

void release(void* pointer) {
  if (pointer == nullptr) return;
  auto* block = static_cast<std::byte*>(pointer) - kAlignment;
  free_lists().give(reinterpret_cast<Header*>(block)->class_index, block);
}

void* acquire(std::size_t bytes) {
  if (bytes == 0) return nullptr;
  const SizeClass size = size_class(bytes + kAlignment);
  void* block = free_lists().take(size.index);
  if (block == nullptr) {
    block = fresh_block(size.bytes);
    static_cast<Header*>(block)->class_index = size.index;
  }
  return static_cast<std::byte*>(block) + kAlignment;
}

class CachingAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(std::size_t bytes) HWNAS_ALLOCATE_CONST override {
    void* pointer = acquire(bytes);
    return {pointer, pointer, &release, c10::Device(c10::DeviceType::CPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &release; }
#if HWNAS_TORCH_AT_LEAST(2, 3)
  void copy_data(void* destination, const void* source, std::size_t count) const override {
    default_copy_data(destination, source, count);
  }
#endif
};

}  // namespace

void install_caching_allocator() {
  static CachingAllocator allocator;
  static std::once_flag once;
  std::call_once(once, [] { c10::SetCPUAllocator(&allocator, /*priority=*/100); });
}

}  // namespace hwnas::nn
