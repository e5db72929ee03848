#include "ir/network.hpp"

namespace hwnas::ir {

std::vector<std::vector<int>> readers(const Network& network) {
  std::vector<std::vector<int>> result(network.layers.size());
  for (int i = 0; i < static_cast<int>(network.layers.size()); ++i) {
    for (const int input : network.layers[i].inputs) {
      if (input != kNetworkInput) result[input].push_back(i);
    }
  }
  return result;
}

}  // namespace hwnas::ir
