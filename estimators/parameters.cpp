#include "estimators/cost_models.hpp"
#include "estimators/layer_sum.hpp"

namespace hwnas::estimators {

namespace {

/// ir::parameters of the network as given, batch norms included.
class Parameters final : public CostModel {
 public:
  std::string_view metric() const override { return "parameters"; }

  Estimate predict(const ir::Network& network) const override {
    return sum_over_layers(network, [](const ir::Layer& layer, const ir::Shape& in,
                                       const ir::Shape&) { return ir::parameters(layer, in); });
  }
};

}  // namespace

std::unique_ptr<CostModel> make_parameters(const DeviceProfile&, const RuntimeProfile&) {
  return std::make_unique<Parameters>();
}

}  // namespace hwnas::estimators
