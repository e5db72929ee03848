#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace hwnas::bench {

/// Calls a second of all clients together. Prints how long single ones took.
/// `milliseconds`: of each client's calls, at least one in all, made within `seconds`.
inline double call_rate(const std::vector<std::vector<double>>& milliseconds, double seconds) {
  std::vector<double> all;
  for (const auto& some : milliseconds) all.insert(all.end(), some.begin(), some.end());
  std::ranges::sort(all);
  fmt::print("{} in {:.2f} s, median {:.2f} ms, 99th percentile {:.2f} ms\n", all.size(), seconds,
             all[all.size() / 2], all[all.size() * 99 / 100]);
  return static_cast<double>(all.size()) / seconds;
}

}  // namespace hwnas::bench
