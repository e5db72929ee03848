#include "nn/shared_parameters.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/error.hpp"

namespace hwnas::nn {
namespace {

/// The weight and bias of a layer as NetworkModule keeps them.
struct LayerParameters {
  std::int64_t rows = 0;
  std::int64_t height = 1;
  std::int64_t width = 1;
  std::int64_t columns = 1;
  bool decays = false;
  bool has_bias = false;

  std::int64_t weights() const { return rows * height * width * columns; }
};

/// Nothing for layers without parameters.
std::optional<LayerParameters> parameters_of(const ir::Layer& layer, const ir::Shape& in) {
  if (const auto* conv = std::get_if<ir::Conv2d>(&layer.op)) {
    return LayerParameters{.rows = conv->out_channels,
                           .height = conv->window.kernel_height,
                           .width = conv->window.kernel_width,
                           .columns = in.channels / conv->groups,
                           .decays = true,
                           .has_bias = conv->bias};
  }
  if (const auto* linear = std::get_if<ir::Linear>(&layer.op)) {
    return LayerParameters{.rows = linear->out_features,
                           .columns = in.channels,
                           .decays = true,
                           .has_bias = linear->bias};
  }
  if (std::holds_alternative<ir::BatchNorm>(layer.op)) {
    return LayerParameters{.rows = in.channels, .has_bias = true};
  }
  return std::nullopt;
}

/// Calls visit(layer, parameters) for each layer that has any, in the order of the module.
template <typename Visit>
void for_each_layer(const ir::Network& network, const Visit& visit) {
  const std::vector<ir::Shape> shapes = ir::infer_shapes(network);
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    const ir::Shape in = ir::input_shape(network, shapes, static_cast<int>(i));
    if (const auto own = parameters_of(network.layers[i], in)) visit(network.layers[i], *own);
  }
}

}  // namespace

void SharedParameters::cover(const ir::Network& network) {
  for_each_layer(network, [&](const ir::Layer& layer, const LayerParameters& own) {
    const auto [found, is_new] = arrays_.try_emplace(layer.name);
    Array& array = found->second;
    if (!is_new && array.decays != own.decays) {
      throw invalid_argument(
          "layer {}: a batch norm in one network of the space and none in another", layer.name);
    }
    array.decays = own.decays;
    array.has_bias = array.has_bias || own.has_bias;
    Extent& extent = array.extent;
    extent.rows = std::max(extent.rows, own.rows);
    extent.height = std::max(extent.height, own.height);
    extent.width = std::max(extent.width, own.width);
    extent.columns = std::max(extent.columns, own.columns);
    array.matrices[{own.height, own.width}] = 0;
  });
  lay_out();
}

void SharedParameters::lay_out() {
  size_ = 0;
  const auto take = [&](std::int64_t count) { return std::exchange(size_, size_ + count); };
  for (auto& [name, array] : arrays_) {
    const Extent& extent = array.extent;
    array.matrices.erase({extent.height, extent.width});
    array.first = take(extent.rows * extent.height * extent.width * extent.columns);
    if (array.has_bias) array.bias = take(extent.rows);
    for (auto& [kernel, first] : array.matrices) {
      const std::int64_t positions = kernel.first * kernel.second;
      first = take(positions * positions);
    }
  }
}

SharedParameters::Selection SharedParameters::select(const ir::Network& network) const {
  Selection selection;
  selection.places.reserve(static_cast<std::size_t>(ir::parameters(network)));
  for_each_layer(network, [&](const ir::Layer& layer, const LayerParameters& own) {
    const auto found = arrays_.find(layer.name);
    const bool fits =
        found != arrays_.end() && own.rows <= found->second.extent.rows &&
        own.columns <= found->second.extent.columns && own.height <= found->second.extent.height &&
        own.width <= found->second.extent.width && own.has_bias <= found->second.has_bias;
    if (!fits) {
      throw invalid_argument("layer {}: {}x{}x{}x{} weights that no network covered has",
                             layer.name, own.rows, own.height, own.width, own.columns);
    }
    const Array& array = found->second;
    const Extent& extent = array.extent;
    const auto matrix = array.matrices.find({own.height, own.width});
    if (matrix != array.matrices.end()) {
      selection.kernels.push_back({.first = static_cast<std::int64_t>(selection.places.size()),
                                   .rows = own.rows,
                                   .positions = own.height * own.width,
                                   .columns = own.columns,
                                   .matrix = matrix->second});
    }
    const std::int64_t top = (extent.height - own.height) / 2;
    const std::int64_t left = (extent.width - own.width) / 2;
    for (std::int64_t row = 0; row < own.rows; ++row) {
      for (std::int64_t y = top; y < top + own.height; ++y) {
        for (std::int64_t x = left; x < left + own.width; ++x) {
          const std::int64_t from =
              array.first + ((row * extent.height + y) * extent.width + x) * extent.columns;
          for (std::int64_t c = 0; c < own.columns; ++c) selection.places.push_back(from + c);
        }
      }
    }
    if (!own.has_bias) return;
    for (std::int64_t row = 0; row < own.rows; ++row) selection.places.push_back(array.bias + row);
  });
  return selection;
}

std::vector<SharedParameters::Matrix> SharedParameters::matrices() const {
  std::vector<Matrix> matrices;
  for (const auto& [name, array] : arrays_) {
    for (const auto& [kernel, first] : array.matrices) {
      matrices.push_back({first, kernel.first * kernel.second});
    }
  }
  return matrices;
}

std::vector<float> SharedParameters::decay_mask() const {
  std::vector<float> mask(static_cast<std::size_t>(size_), 0);
  for (const auto& [name, array] : arrays_) {
    if (!array.decays) continue;
    const Extent& extent = array.extent;
    std::fill_n(mask.begin() + array.first,
                extent.rows * extent.height * extent.width * extent.columns, 1.0F);
  }
  return mask;
}

}  // namespace hwnas::nn
