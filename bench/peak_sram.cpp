// How long the exact memory planner takes for one network: it runs for every candidate of a search.
// The last line is the median time in microseconds for a residual network of 30 convolutions.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "bench/graph.hpp"
#include "core/rng.hpp"
#include "estimators/peak_sram.hpp"

namespace {

using namespace hwnas;
using bench::Graph;

/// Bottlenecks with depthwise convolutions; the shortcuts of strided ones are projected. 30
/// convolutions, 49 layers with activations and additions.
ir::Network residual_network() {
  Graph net({3, 96, 96});
  int x = net.add(ir::Activation{}, {net.conv(ir::kNetworkInput, 16, 3, 2)});
  int channels = 16;
  for (int block = 0; block < 9; ++block) {
    const int stride = block % 4 == 3 ? 2 : 1;
    const int width = channels * stride;
    const int wide = net.add(ir::Activation{}, {net.conv(x, 4 * channels, 1)});
    const int spatial =
        net.add(ir::Activation{}, {net.conv(wide, 4 * channels, 3, stride, 4 * channels)});
    const int body = net.conv(spatial, width, 1);
    const int shortcut = stride == 1 ? x : net.conv(x, width, 1, stride);
    x = net.add(ir::Add{}, {body, shortcut});
    channels = width;
  }
  net.add(ir::GlobalAveragePool{}, {x});
  return net.take();
}

/// NAS-Bench-201 with a 3x3 convolution on every edge: 15 cells, 15 places with a choice of order.
ir::Network cell_network() {
  Graph net({3, 32, 32});
  int x = net.conv(ir::kNetworkInput, 16, 3);
  const auto edge = [&](int from, int channels) {
    return net.conv(net.add(ir::Activation{}, {from}), channels, 3);
  };
  for (const int channels : {16, 32, 64}) {
    if (channels > 16) {
      const int body = net.conv(net.conv(x, channels, 3, 2), channels, 3);
      x = net.add(ir::Add{}, {body, net.conv(x, channels, 1, 2)});
    }
    for (int cell = 0; cell < 5; ++cell) {
      const int a = edge(x, channels);
      const int b = net.add(ir::Add{}, {edge(x, channels), edge(a, channels)});
      x = net.add(ir::Add{}, {edge(x, channels), edge(a, channels), edge(b, channels)});
    }
  }
  return net.take();
}

/// A randomly wired network: each layer reads one or two of the eight before it, rather one that
/// nothing reads yet, so that the branches come together again.
ir::Network random_network(int layers, std::uint64_t seed) {
  Graph net({8, 16, 16});
  Rng rng(seed);
  std::vector<int> channels;
  std::vector<bool> used;
  const auto pick = [&] {
    const int reach = std::min(8, static_cast<int>(channels.size()));
    int layer = static_cast<int>(channels.size()) - 1 -
                static_cast<int>(rng.index(static_cast<std::uint64_t>(reach)));
    if (const auto unread = std::find(used.end() - reach, used.end(), false);
        unread != used.end() && rng.bernoulli(0.8)) {
      layer = static_cast<int>(unread - used.begin());
    }
    used[layer] = true;
    return layer;
  };
  for (int i = 0; i < layers; ++i) {
    int from = ir::kNetworkInput;
    if (i > 0) {
      from = pick();
      if (rng.bernoulli(0.4)) {
        const int other = pick();
        const int joined = channels[from] + channels[other];
        from = net.add(ir::Concat{}, {from, other});
        channels.push_back(joined);
        used.push_back(true);
      }
    }
    channels.push_back(4 + static_cast<int>(rng.index(28)));
    used.push_back(false);
    net.conv(from, channels.back(), 3);
  }
  std::vector<int> loose;
  for (std::size_t i = 0; i < used.size(); ++i) {
    if (!used[i]) loose.push_back(static_cast<int>(i));
  }
  if (loose.size() > 1) net.add(ir::Concat{}, loose);
  return net.take();
}

double median_microseconds(const ir::Network& network, int repeats) {
  std::vector<double> times;
  for (int i = 0; i < repeats; ++i) {
    const auto start = std::chrono::steady_clock::now();
    estimators::peak_sram(network);
    times.push_back(
        std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start)
            .count());
  }
  std::nth_element(times.begin(), times.begin() + repeats / 2, times.end());
  return times[static_cast<std::size_t>(repeats / 2)];
}

void report(const std::string& name, const ir::Network& network, int repeats) {
  std::vector<int> file_order;
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    file_order.push_back(static_cast<int>(i));
  }
  const estimators::PeakSram peak = estimators::peak_sram(network);
  fmt::print("{:24} {:4} layers {:8} B, {:.2f}x below file order, {:9}, {:10.1f} us\n", name,
             network.layers.size(), peak.bytes,
             static_cast<double>(estimators::sram_of_order(network, file_order)) /
                 static_cast<double>(peak.bytes),
             peak.exact ? "exact" : fmt::format("bound {}", peak.lower_bound),
             median_microseconds(network, repeats));
}

}  // namespace

int main() {
  report("cells of NAS-Bench-201", cell_network(), 300);
  for (const int layers : {30, 60, 120}) {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
      report(fmt::format("randomly wired, seed {}", seed), random_network(layers, seed), 3);
    }
  }
  report("residual", residual_network(), 300);
  fmt::print("{:.1f}\n", median_microseconds(residual_network(), 2000));
}
