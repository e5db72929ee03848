#include "engine/probes.hpp"

#include <algorithm>

#include "compression/accuracy.hpp"

namespace hwnas::engine {

std::vector<std::vector<float>> artifact_probes(const LoadedData& data) {
  constexpr std::size_t kProbes = 4;
  const data::Normalisation raw;
  std::vector<std::vector<float>> probes;
  for (std::size_t i = 0; i < std::min(kProbes, data.split.validation.size()); ++i) {
    probes.push_back(compression::network_input(data.source.train, data.split.validation[i], raw));
  }
  return probes;
}

}  // namespace hwnas::engine
