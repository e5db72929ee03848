#include "estimators/cost_models.hpp"

namespace hwnas::estimators {

namespace {

/// ir::parameters of the network as given, batch norms included.
class Parameters final : public CostModel {
 public:
  std::string_view metric() const override { return "parameters"; }

  Estimate predict(const ir::Network& network) const override {
    const std::vector<ir::Shape> shapes = ir::infer_shapes(network);
    Estimate estimate{.origin = Origin::kExact, .per_layer = {}};
    for (std::size_t i = 0; i < shapes.size(); ++i) {
      const ir::Shape in = ir::input_shape(network, shapes, static_cast<int>(i));
      const auto parameters = static_cast<double>(ir::parameters(network.layers[i], in));
      estimate.per_layer.push_back(parameters);
      estimate.value += parameters;
    }
    return estimate;
  }
};

}  // namespace

std::unique_ptr<CostModel> make_parameters(const DeviceProfile&, const RuntimeProfile&) {
  return std::make_unique<Parameters>();
}

}  // namespace hwnas::estimators
