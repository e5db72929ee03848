#include "estimators/cost_models.hpp"

namespace hwnas::estimators {

namespace {

/// ir::macs of the network as given, as papers count: what a runtime folds or drops still counts.
class Macs final : public CostModel {
 public:
  std::string_view metric() const override { return "macs"; }

  Estimate predict(const ir::Network& network) const override {
    const std::vector<ir::Shape> shapes = ir::infer_shapes(network);
    Estimate estimate{.origin = Origin::kExact, .per_layer = {}};
    for (std::size_t i = 0; i < shapes.size(); ++i) {
      const ir::Shape in = ir::input_shape(network, shapes, static_cast<int>(i));
      const auto macs = static_cast<double>(ir::macs(network.layers[i], in, shapes[i]));
      estimate.per_layer.push_back(macs);
      estimate.value += macs;
    }
    return estimate;
  }
};

}  // namespace

std::unique_ptr<CostModel> make_macs(const DeviceProfile&, const RuntimeProfile&) {
  return std::make_unique<Macs>();
}

}  // namespace hwnas::estimators
