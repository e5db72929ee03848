#include <utility>
#include <variant>

#include "estimators/cost_models.hpp"
#include "estimators/deployment.hpp"

namespace hwnas::estimators {

namespace {

/// A hard sigmoid that alone reads a convolution or linear layer: integer kernels run it as their
/// clamp (see compression::plan_scales), so it has no table.
bool is_clamp_of_producer(const ir::Network& network, const std::vector<std::vector<int>>& readers,
                          const ir::Layer& layer) {
  const auto* const activation = std::get_if<ir::Activation>(&layer.op);
  if (activation == nullptr || activation->kind != ir::ActivationKind::kHardSigmoid) return false;
  const int producer = layer.inputs.front();
  if (producer == ir::kNetworkInput || readers[producer].size() != 1) return false;
  const ir::Operator& op = network.layers[producer].op;
  return std::holds_alternative<ir::Conv2d>(op) || std::holds_alternative<ir::Linear>(op);
}

/// constant_bytes of the deployed network. The runtime's code (RuntimeProfile::runtime_flash_bytes)
/// and the container's overhead are not part of the metric.
class FlashBytes final : public CostModel {
 public:
  explicit FlashBytes(ConstantSizes sizes) : sizes_(std::move(sizes)) {}

  std::string_view metric() const override { return "flash_bytes"; }

  Estimate predict(const ir::Network& network) const override {
    const Deployment deployed = deploy(network);
    const std::vector<ir::Shape> shapes = ir::infer_shapes(deployed.network);
    const std::vector<std::vector<int>> readers = ir::readers(deployed.network);
    Estimate estimate{.origin = Origin::kExact,
                      .per_layer = std::vector<double>(network.layers.size())};
    for (std::size_t i = 0; i < shapes.size(); ++i) {
      const ir::Layer& layer = deployed.network.layers[i];
      if (is_clamp_of_producer(deployed.network, readers, layer)) continue;
      const ir::Shape in = ir::input_shape(deployed.network, shapes, static_cast<int>(i));
      const auto bytes = static_cast<double>(constant_bytes(layer, in, sizes_));
      estimate.per_layer[deployed.origin[i]] = bytes;
      estimate.value += bytes;
    }
    return estimate;
  }

 private:
  ConstantSizes sizes_;
};

}  // namespace

std::unique_ptr<CostModel> make_flash_bytes(const DeviceProfile&, const RuntimeProfile& runtime) {
  return std::make_unique<FlashBytes>(runtime.constants);
}

}  // namespace hwnas::estimators
