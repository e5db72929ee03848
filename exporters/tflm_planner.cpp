#include "exporters/tflm_planner.hpp"

#include <algorithm>
#include <functional>

namespace hwnas::exporters::tflm {

namespace {

struct Placed {
  std::int64_t begin;
  const PlannedBuffer* buffer;

  std::int64_t end() const { return begin + buffer->bytes; }
};

bool live_together(const PlannedBuffer& a, const PlannedBuffer& b) {
  return a.first <= b.last && b.first <= a.last;
}

std::int64_t first_gap(const std::vector<Placed>& placed, const PlannedBuffer& buffer) {
  std::int64_t begin = 0;
  for (const Placed& other : placed) {
    if (!live_together(*other.buffer, buffer)) continue;
    if (other.begin - begin >= buffer.bytes) break;
    begin = std::max(begin, other.end());
  }
  return begin;
}

}  // namespace

std::int64_t greedy_end(const std::vector<PlannedBuffer>& buffers) {
  std::vector<const PlannedBuffer*> order;
  for (const PlannedBuffer& buffer : buffers) {
    if (buffer.offline_offset >= 0) order.push_back(&buffer);
  }
  const auto planned = static_cast<std::ptrdiff_t>(order.size());
  for (auto buffer = buffers.rbegin(); buffer != buffers.rend(); ++buffer) {
    if (buffer->offline_offset < 0) order.push_back(&*buffer);
  }
  std::ranges::stable_sort(order.begin() + planned, order.end(), std::greater{},
                           &PlannedBuffer::bytes);
  std::vector<Placed> placed;  // by rising begin
  std::int64_t highest = 0;
  for (const PlannedBuffer* const buffer : order) {
    const std::int64_t begin =
        buffer->offline_offset >= 0 ? buffer->offline_offset : first_gap(placed, *buffer);
    placed.insert(std::ranges::upper_bound(placed, begin, {}, &Placed::begin), {begin, buffer});
    highest = std::max(highest, begin + buffer->bytes);
  }
  return highest;
}

}  // namespace hwnas::exporters::tflm
