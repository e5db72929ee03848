#include "cli/layer_table.hpp"

#include <fmt/format.h>

#include "cli/format.hpp"
#include "cli/subject.hpp"
#include "cli/text_table.hpp"

namespace hwnas::cli {

std::string format_layers(const ir::Network& network,
                          const std::map<std::string, std::vector<double>>& columns) {
  const std::vector<ir::Shape> shapes = ir::infer_shapes(network);
  std::vector<std::vector<std::string>> rows = {
      {"layer", "operator", "output", "macs", "parameters"}};
  for (const auto& [name, values] : columns) rows[0].push_back(name);

  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    const ir::Layer& layer = network.layers[i];
    const ir::Shape input = ir::input_shape(network, shapes, static_cast<int>(i));
    rows.push_back({layer.name, std::string(ir::operator_name(layer.op)), to_text(shapes[i]),
                    std::to_string(ir::macs(layer, input, shapes[i])),
                    std::to_string(ir::parameters(layer, input))});
    for (const auto& [name, values] : columns) rows.back().push_back(format_number(values[i]));
  }
  return format_table(rows);
}

}  // namespace hwnas::cli
