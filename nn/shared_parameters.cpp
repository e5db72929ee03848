#include "nn/shared_parameters.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <optional>
#include <set>
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
  ties_.cover(network);
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

SharedParameters::Orders SharedParameters::channel_orders(std::span<const float> values) const {
  std::map<ChannelTies::Set, std::vector<double>> importance;
  std::set<ChannelTies::Set> immovable{ChannelTies::kFixed};
  const auto channels_of = [&](ChannelTies::Set set, std::int64_t count) -> std::vector<double>& {
    auto& channels = importance.try_emplace(set, count).first->second;
    if (std::ssize(channels) != count) immovable.insert(set);
    return channels;
  };
  for (const auto& [name, array] : arrays_) {
    const Extent& extent = array.extent;
    channels_of(ties_.written_by(name), extent.rows);
    const ChannelTies::Set read = ties_.read_by(name);
    if (read == ChannelTies::kFixed) continue;
    std::vector<double>& channels = channels_of(read, extent.columns);
    if (immovable.contains(read)) continue;
    const std::int64_t weights = extent.rows * extent.height * extent.width * extent.columns;
    for (std::int64_t i = 0; i < weights; ++i) {
      channels[i % extent.columns] += std::abs(values[array.first + i]);
    }
  }
  Orders orders;
  for (const auto& [set, channels] : importance) {
    if (immovable.contains(set)) continue;
    std::vector<std::int64_t>& order = orders[set];
    order.resize(channels.size());
    std::iota(order.begin(), order.end(), std::int64_t{0});
    std::ranges::stable_sort(order, std::greater(), [&](std::int64_t c) { return channels[c]; });
  }
  return orders;
}

std::vector<std::int64_t> SharedParameters::order_by_importance(
    std::span<const float> values) const {
  const Orders orders = channel_orders(values);
  const auto place_of = [&](ChannelTies::Set set, std::int64_t channel) {
    const auto found = orders.find(set);
    return found == orders.end() ? channel : found->second[channel];
  };
  std::vector<std::int64_t> result(size_);
  std::iota(result.begin(), result.end(), std::int64_t{0});
  for (const auto& [name, array] : arrays_) {
    const Extent& extent = array.extent;
    const ChannelTies::Set written = ties_.written_by(name);
    const ChannelTies::Set read = ties_.read_by(name);
    const std::int64_t positions = extent.height * extent.width;
    std::int64_t to = array.first;
    for (std::int64_t row = 0; row < extent.rows; ++row) {
      const std::int64_t from_row = place_of(written, row);
      if (array.has_bias) result[array.bias + row] = array.bias + from_row;
      for (std::int64_t position = 0; position < positions; ++position) {
        const std::int64_t from = array.first + (from_row * positions + position) * extent.columns;
        for (std::int64_t c = 0; c < extent.columns; ++c) result[to++] = from + place_of(read, c);
      }
    }
  }
  return result;
}

}  // namespace hwnas::nn
