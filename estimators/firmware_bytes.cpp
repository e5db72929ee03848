#include "estimators/firmware_bytes.hpp"

#include <cmath>
#include <set>
#include <string>
#include <variant>

#include "estimators/cost_models.hpp"
#include "estimators/deployment.hpp"

namespace hwnas::estimators {

namespace {

/// The runtime's operator that executes a layer, as a key of CodeSizes::by_operator; empty for what
/// is fused or has no kernel.
std::string operator_key(const ir::Layer& layer, const Kernel& kernel) {
  if (kernel.kind == KernelClass::kNone) return {};
  if (kernel.kind == KernelClass::kPointwise) return "conv";
  if (kernel.kind != KernelClass::kElementwise) return std::string(to_string(kernel.kind));
  if (const auto* const pool = std::get_if<ir::Pool>(&layer.op)) {
    return pool->kind == ir::PoolKind::kMax ? "max_pool" : "average_pool";
  }
  if (std::holds_alternative<ir::GlobalAveragePool>(layer.op)) return "average_pool";
  return std::string(ir::operator_name(layer.op));
}

double mean_size(const CodeSizes& code) {
  double sum = 0;
  for (const auto& [name, bytes] : code.by_operator) sum += bytes;
  return code.by_operator.empty() ? 0 : sum / static_cast<double>(code.by_operator.size());
}

}  // namespace

std::optional<Estimate> firmware_bytes(const ir::Network& network, const RuntimeProfile& runtime) {
  if (!runtime.code) return std::nullopt;
  const CodeSizes& code = *runtime.code;
  const ir::Network deployed = deploy(network).network;
  const std::vector<ir::Shape> shapes = ir::infer_shapes(deployed);
  const std::vector<Kernel> all = kernels(deployed, runtime.fusion);
  std::set<std::string> used;
  Estimate estimate{.value = code.base, .origin = Origin::kPredicted, .per_layer = {}};
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::string key = operator_key(deployed.layers[i], all[i]);
    if (!key.empty()) used.insert(key);
    if (std::holds_alternative<ir::Conv2d>(deployed.layers[i].op)) {
      estimate.value += code.per_convolution_channel * shapes[i].channels;
    }
  }
  double variance = code.sd * code.sd;
  for (const std::string& key : used) {
    const auto known = code.by_operator.find(key);
    const double bytes = known != code.by_operator.end() ? known->second : mean_size(code);
    estimate.value += bytes;
    if (known == code.by_operator.end()) variance += bytes * bytes;
  }
  estimate.value += make_flash_bytes({}, runtime)->predict(network).value;
  estimate.standard_deviation = std::sqrt(variance);
  return estimate;
}

}  // namespace hwnas::estimators
