#pragma once

#include <map>
#include <string>
#include <vector>

#include "ir/network.hpp"

namespace hwnas::cli {

/// One line a layer: name, operator, output shape, MACs, parameters, and further columns of one
/// value a layer.
std::string format_layers(const ir::Network& network,
                          const std::map<std::string, std::vector<double>>& columns);

}  // namespace hwnas::cli
