#include "estimators/cost_models.hpp"
#include "estimators/layer_sum.hpp"

namespace hwnas::estimators {

namespace {

/// ir::macs of the network as given, as papers count: what a runtime folds or drops still counts.
class Macs final : public CostModel {
 public:
  std::string_view metric() const override { return "macs"; }

  Estimate predict(const ir::Network& network) const override {
    return sum_over_layers(network, [](const ir::Layer& layer, const ir::Shape& in,
                                       const ir::Shape& out) { return ir::macs(layer, in, out); });
  }
};

}  // namespace

std::unique_ptr<CostModel> make_macs(const DeviceProfile&, const RuntimeProfile&) {
  return std::make_unique<Macs>();
}

}  // namespace hwnas::estimators
