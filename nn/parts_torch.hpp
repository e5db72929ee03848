#pragma once

#include <ATen/Parallel.h>

#include <cstdint>

namespace hwnas::nn {

/// Work is cut into a fixed number of parts, so that sums over parts do not depend on the threads.
inline constexpr std::int64_t kParts = 16;

/// Calls body(part, first, count) for each of kParts ranges of 0 .. total - 1 that is not empty, on
/// the intra-op threads.
template <typename Body>
void for_parts(std::int64_t total, const Body& body) {
  at::parallel_for(0, kParts, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t part = begin; part < end; ++part) {
      const std::int64_t first = total * part / kParts;
      const std::int64_t last = total * (part + 1) / kParts;
      if (first < last) body(part, first, last - first);
    }
  });
}

}  // namespace hwnas::nn
