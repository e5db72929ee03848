#include "estimators/cost_models.hpp"
#include "estimators/deployment.hpp"

namespace hwnas::estimators {

namespace {

/// constant_bytes of the deployed network. The runtime's code (RuntimeProfile::runtime_flash_bytes)
/// and the container's overhead are not part of the metric.
class FlashBytes final : public CostModel {
 public:
  std::string_view metric() const override { return "flash_bytes"; }

  Estimate predict(const ir::Network& network) const override {
    const Deployment deployed = deploy(network);
    const std::vector<ir::Shape> shapes = ir::infer_shapes(deployed.network);
    Estimate estimate{.origin = Origin::kExact,
                      .per_layer = std::vector<double>(network.layers.size())};
    for (std::size_t i = 0; i < shapes.size(); ++i) {
      const ir::Shape in = ir::input_shape(deployed.network, shapes, static_cast<int>(i));
      const auto bytes = static_cast<double>(constant_bytes(deployed.network.layers[i], in));
      estimate.per_layer[deployed.origin[i]] = bytes;
      estimate.value += bytes;
    }
    return estimate;
  }
};

}  // namespace

std::unique_ptr<CostModel> make_flash_bytes(const DeviceProfile&, const RuntimeProfile&) {
  return std::make_unique<FlashBytes>();
}

}  // namespace hwnas::estimators
