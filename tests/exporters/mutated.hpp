#pragma once

#include <algorithm>
#include <cstring>
#include <string>

#include "core/rng.hpp"

namespace hwnas::exporters {

/// Up to four damages of four kinds, with a bias to the structure, which ends a file.
inline std::string mutated(std::string bytes, Rng& rng) {
  constexpr std::uint32_t kWords[] = {0, 1, 4, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF};
  for (std::uint64_t i = rng.index(4); i < 4; ++i) {
    const std::size_t place = rng.index(bytes.size());
    switch (rng.index(4)) {
      case 0:
        bytes[place] = static_cast<char>(rng.index(256));
        break;
      case 1: {
        if (bytes.size() < 4) break;
        const std::uint32_t word = kWords[rng.index(std::size(kWords))];
        std::memcpy(&bytes[place / 4 * 4 % (bytes.size() - 3)], &word, 4);
        break;
      }
      case 2:
        bytes[place] = static_cast<char>(bytes[place] ^ (1 << rng.index(8)));
        break;
      default:
        if (rng.bernoulli(0.1)) bytes.resize(std::max<std::size_t>(place, 1));
    }
  }
  return bytes;
}

}  // namespace hwnas::exporters
