#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "ir/network.hpp"

namespace hwnas::bench {

/// The feed-forward networks of EdgeMark, by the names of its measurements: those of
/// edgemark_mcu/architectures.json and MLPerf Tiny's four. Recurrent ones are no ir::Network.
std::map<std::string, ir::Network> edgemark_networks(const std::filesystem::path& architectures);

/// A network of the STM32 model zoo by its name there, e.g. "mobilenet_v2_0.35"; nothing for
/// networks with binary layers. MobileNetV2 as in Sandler et al. (2018), Table 2; FD-MobileNet as
/// in Qin et al. (arXiv 1802.03750), Table 1, and ST's variant with a width multiplier for each
/// block (stm32ai-modelzoo, st_fdmobilenet_v1); ResNet-32 as in He et al. (2016), section 4.2.
std::optional<ir::Network> modelzoo_network(const std::string& name, const ir::Shape& input,
                                            int classes);

}  // namespace hwnas::bench
