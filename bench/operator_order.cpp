// How good and how fast the search for the operator order with the least peak memory is: cells of
// NAS-Bench-201, cells of DARTS, and randomly wired networks (Watts-Strogatz graphs as in Xie et
// al., "Exploring Randomly Wired Neural Networks for Image Recognition", ICCV 2019).

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <ctime>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "bench/graph.hpp"
#include "core/error.hpp"
#include "core/rng.hpp"
#include "estimators/memory_graph.hpp"
#include "estimators/peak_sram.hpp"

namespace {

using namespace hwnas;
using bench::Graph;

/// Edges u < v of a Watts-Strogatz graph: a ring in which each node is joined to its `degree`
/// nearest, each edge moved to another end with this probability.
std::set<std::pair<int, int>> watts_strogatz(int nodes, int degree, double probability, Rng& rng) {
  std::set<std::pair<int, int>> edges;
  const auto edge = [](int a, int b) { return std::pair(std::min(a, b), std::max(a, b)); };
  for (int reach = 1; reach <= degree / 2; ++reach) {
    for (int node = 0; node < nodes; ++node) edges.insert(edge(node, (node + reach) % nodes));
  }
  for (int reach = 1; reach <= degree / 2; ++reach) {
    for (int node = 0; node < nodes; ++node) {
      const auto old = edge(node, (node + reach) % nodes);
      if (!rng.bernoulli(probability) || !edges.contains(old)) continue;
      const int other = static_cast<int>(rng.index(static_cast<std::uint64_t>(nodes)));
      if (other == node || edges.contains(edge(node, other))) continue;
      edges.erase(old);
      edges.insert(edge(node, other));
    }
  }
  return edges;
}

/// One stage: each node adds up what it reads and convolves it (depthwise separable); nodes that
/// read nothing read the stem, and what nobody reads is added up at the end. Degree 4 and
/// probability .75 are the best of the paper.
ir::Network randomly_wired(int nodes, std::uint64_t seed) {
  constexpr int kDegree = 4;
  constexpr double kProbability = 0.75;
  constexpr int kChannels = 32;
  Rng rng(seed);
  const auto edges = watts_strogatz(nodes, kDegree, kProbability, rng);
  Graph net({3, 32, 32});
  const int stem = net.conv(ir::kNetworkInput, kChannels, 3, 2);
  std::vector<int> output(static_cast<std::size_t>(nodes));
  std::vector<bool> read(static_cast<std::size_t>(nodes));
  for (int node = 0; node < nodes; ++node) {
    std::vector<int> inputs;
    for (const auto& [from, to] : edges) {
      if (to != node) continue;
      inputs.push_back(output[static_cast<std::size_t>(from)]);
      read[static_cast<std::size_t>(from)] = true;
    }
    if (inputs.empty()) inputs.push_back(stem);
    output[static_cast<std::size_t>(node)] = net.separable(net.sum(inputs), kChannels, 3);
  }
  std::vector<int> ends;
  for (std::size_t node = 0; node < output.size(); ++node) {
    if (!read[node]) ends.push_back(output[node]);
  }
  net.add(ir::GlobalAveragePool{}, {net.sum(ends)});
  return net.take();
}

/// Five cells a stage with a random operation on every edge, as NAS-Bench-201 stacks them.
ir::Network nas_bench_201(std::uint64_t seed) {
  Rng rng(seed);
  Graph net({3, 32, 32});
  int x = net.conv(ir::kNetworkInput, 16, 3);
  int operation[6];
  for (int& it : operation) it = static_cast<int>(rng.index(4));
  for (const int channels : {16, 32, 64}) {
    if (channels > 16) {
      const int body = net.conv(net.conv(x, channels, 3, 2), channels, 3);
      x = net.add(ir::Add{}, {body, net.conv(x, channels, 1, 2)});
    }
    const auto edge = [&](int index, int from) {
      if (operation[index] == 0) return from;
      if (operation[index] == 3) {
        return net.add(
            ir::Pool{.kind = ir::PoolKind::kAverage, .window = {3, 3, 1, 1, {1, 1, 1, 1}}}, {from});
      }
      return net.conv(net.add(ir::Activation{}, {from}), channels, operation[index] == 1 ? 1 : 3);
    };
    for (int cell = 0; cell < 5; ++cell) {
      const int a = edge(0, x);
      const int b = net.add(ir::Add{}, {edge(1, x), edge(2, a)});
      x = net.add(ir::Add{}, {edge(3, x), edge(4, a), edge(5, b)});
    }
  }
  net.add(ir::GlobalAveragePool{}, {x});
  return net.take();
}

/// Cells of DARTS (Liu et al., ICLR 2019): four nodes, each the sum of two separable convolutions,
/// of 3x3 or 5x5 and applied twice, or of what it reads; the four are concatenated. The wiring and
/// the operations of both kinds of cells are random.
ir::Network darts(int cells, std::uint64_t seed) {
  constexpr int kNodes = 4;
  Rng rng(seed);
  struct Edge {
    int from;
    int operation;
  };
  std::vector<Edge> wiring;
  for (int node = 0; node < kNodes; ++node) {
    const int first = static_cast<int>(rng.index(static_cast<std::uint64_t>(node) + 2));
    int second = static_cast<int>(rng.index(static_cast<std::uint64_t>(node) + 1));
    if (second >= first) ++second;
    wiring.push_back({first, static_cast<int>(rng.index(3))});
    wiring.push_back({second, static_cast<int>(rng.index(3))});
  }
  constexpr int kChannels = 16;
  Graph net({3, 32, 32});
  int before = net.conv(ir::kNetworkInput, kChannels, 3);
  int last = before;
  for (int cell = 0; cell < cells; ++cell) {
    std::vector<int> states = {net.conv(before, kChannels, 1), net.conv(last, kChannels, 1)};
    const auto edge = [&](const Edge& it) {
      const int from = states[static_cast<std::size_t>(it.from)];
      if (it.operation == 0) return from;
      const int kernel = it.operation == 1 ? 3 : 5;
      return net.separable(net.separable(from, kChannels, kernel), kChannels, kernel);
    };
    for (std::size_t node = 0; node < kNodes; ++node) {
      const int left = edge(wiring[2 * node]);
      states.push_back(net.add(ir::Add{}, {left, edge(wiring[2 * node + 1])}));
    }
    before = last;
    last = net.add(ir::Concat{}, {states.begin() + 2, states.end()});
  }
  net.add(ir::GlobalAveragePool{}, {last});
  return net.take();
}

/// Kahn's topological order: whatever became ready first comes first.
std::vector<int> breadth_first_order(const ir::Network& network) {
  std::vector<int> missing;
  std::vector<std::vector<int>> readers(network.layers.size());
  std::vector<int> order;
  for (std::size_t layer = 0; layer < network.layers.size(); ++layer) {
    missing.push_back(0);
    for (const int input : network.layers[layer].inputs) {
      if (input == ir::kNetworkInput) continue;
      readers[static_cast<std::size_t>(input)].push_back(static_cast<int>(layer));
      ++missing.back();
    }
    if (missing.back() == 0) order.push_back(static_cast<int>(layer));
  }
  for (std::size_t next = 0; next < order.size(); ++next) {
    for (const int reader : readers[static_cast<std::size_t>(order[next])]) {
      if (--missing[static_cast<std::size_t>(reader)] == 0) order.push_back(reader);
    }
  }
  return order;
}

struct Result {
  bool is_proven = false;
  double seconds = 0;                 ///< of processor time, on one thread
  double of_file_order = 0;           ///< its peak over the one found
  double of_breadth_first_order = 0;  ///< its peak over the one found
};

Result solve(const std::string& name, const ir::Network& network) {
  std::vector<int> file_order(network.layers.size());
  std::iota(file_order.begin(), file_order.end(), 0);
  const std::clock_t start = std::clock();
  const estimators::PeakSram peak = estimators::peak_sram(network);
  const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  const auto over_peak = [&](const std::vector<int>& order) {
    return static_cast<double>(estimators::sram_of_order(network, order)) /
           static_cast<double>(peak.bytes);
  };
  const Result result{.is_proven = peak.exact,
                      .seconds = seconds,
                      .of_file_order = over_peak(file_order),
                      .of_breadth_first_order = over_peak(breadth_first_order(network))};
  fmt::print(
      "{:32} {:4} operators {:8} B, file order {:.2f}x, breadth first {:.2f}x, {} in {:.4f} s\n",
      name, estimators::memory_graph(network, {}).steps.size(), peak.bytes, result.of_file_order,
      result.of_breadth_first_order,
      peak.exact ? "proven" : fmt::format("at least {} B", peak.lower_bound), result.seconds);
  return result;
}

double geometric_mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += std::log(value);
  return std::exp(sum / static_cast<double>(values.size()));
}

void print_figure(const std::string& figure, std::uint64_t seeds) {
  std::vector<Result> all;
  std::vector<double> file_orders, breadth_first_orders;
  for (std::uint64_t seed = 1; seed <= 15; ++seed) {
    all.push_back(solve(fmt::format("NAS-Bench-201, seed {}", seed), nas_bench_201(seed)));
  }
  for (std::uint64_t seed = 1; seed <= 15; ++seed) {
    all.push_back(solve(fmt::format("DARTS, seed {}", seed), darts(5, seed)));
  }
  for (const int nodes : {10, 16, 24, 32, 48, 64, 76}) {
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
      all.push_back(solve(fmt::format("randomly wired, {} nodes, seed {}", nodes, seed),
                          randomly_wired(nodes, seed)));
      file_orders.push_back(all.back().of_file_order);
      breadth_first_orders.push_back(all.back().of_breadth_first_order);
    }
  }
  if (figure == "reduction") {
    fmt::print("randomly wired: {:.2f}x below the order of nodes, {:.2f}x below breadth first\n",
               geometric_mean(file_orders), geometric_mean(breadth_first_orders));
    return;
  }
  const auto slowest = std::ranges::max_element(all, {}, &Result::seconds);
  fmt::print("{} of {} proven, slowest {:.2f} s\n", std::ranges::count_if(all, &Result::is_proven),
             all.size(), slowest->seconds);
}

}  // namespace

int main(int argc, char** argv) {
  std::string figure = "proven";
  CLI::App app("the operator order with the least peak memory");
  app.add_option("--figure", figure,
                 "proven: how many minima are proven, and the slowest search; reduction: mean "
                 "reduction of the peak against other orders")
      ->check(CLI::IsMember({"proven", "reduction"}));
  std::uint64_t seeds = 5;
  app.add_option("--seeds", seeds, "randomly wired networks of each size");
  CLI11_PARSE(app, argc, argv);
  print_figure(figure, seeds);
  return 0;
}
