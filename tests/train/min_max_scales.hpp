#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include "ir/quantization.hpp"
#include "nn/module_torch.hpp"
#include "nn/operators_torch.hpp"

/// The simplest calibration there is, to start quantization-aware training from: ranges of one
/// batch. Fuses ReLU and ReLU6, and gives layers that keep the scale their input's tensor.
namespace hwnas::train {

class MinMaxScales {
 public:
  using FormatOf = std::function<ir::WeightFormat(const ir::Layer&)>;

  MinMaxScales(const ir::FoldedNetwork& network, const torch::Tensor& images,
               const FormatOf& format_of, int activation_bits = 8)
      : network_(network), bits_(activation_bits) {
    observe(images);
    scales_.input = add(ranges_.at(ir::kNetworkInput));
    for (int i = 0; i < std::ssize(network.network.layers); ++i) {
      scales_.layers.push_back(layer_scales(i, format_of(network.network.layers[i])));
    }
  }
  const ir::NetworkScales& scales() const { return scales_; }

 private:
  struct Range {
    double lowest = 0;
    double highest = 0;
  };

  void observe(const torch::Tensor& images) {
    const torch::NoGradGuard no_grad;
    nn::NetworkModule module(network_.network, torch::kCPU);
    module.load(network_.weights);
    module.eval();
    const auto note = [this](int layer, const torch::Tensor& y) {
      ranges_[layer] = {std::min(0.0, y.min().item<double>()),
                        std::max(0.0, y.max().item<double>())};
      return y;
    };
    module.set_hooks({.input = [&](const torch::Tensor& x) { return note(ir::kNetworkInput, x); },
                      .weight = {},
                      .activation =
                          [&](int layer, ir::ActivationKind kind, const torch::Tensor& x) {
                            return note(layer, nn::run_activation(kind, x));
                          },
                      .output = note});
    module.forward(images);
  }

  int add(const Range& range) {
    ir::Quantization q{.scale = 1, .zero_point = 0, .bits = bits_};
    if (bits_ == 16) {
      q.scale = static_cast<float>(std::max({-range.lowest, range.highest, 1e-6}) / q.highest());
    } else {
      q.scale = static_cast<float>(std::max(range.highest - range.lowest, 1e-6) / 255);
      q.zero_point = static_cast<int>(std::lround(q.lowest() - range.lowest / q.scale));
    }
    scales_.tensors.push_back({q, false});
    return static_cast<int>(scales_.tensors.size()) - 1;
  }

  std::vector<int> readers_of(int layer) const {
    std::vector<int> readers;
    for (int i = layer + 1; i < std::ssize(network_.network.layers); ++i) {
      for (const int input : network_.network.layers[i].inputs) {
        if (input == layer) readers.push_back(i);
      }
    }
    return readers;
  }

  bool is_fused(int layer) const {
    const auto readers = readers_of(layer);
    const auto* activation =
        readers.size() == 1
            ? std::get_if<ir::Activation>(&network_.network.layers[readers.front()].op)
            : nullptr;
    return activation != nullptr && (activation->kind == ir::ActivationKind::kRelu ||
                                     activation->kind == ir::ActivationKind::kRelu6);
  }

  static bool keeps_scale(const ir::Operator& op) {
    return std::holds_alternative<ir::Pool>(op) || std::holds_alternative<ir::Flatten>(op) ||
           std::holds_alternative<ir::GlobalAveragePool>(op) || std::holds_alternative<ir::Pad>(op);
  }

  ir::LayerScales layer_scales(int index, ir::WeightFormat format) {
    const ir::Layer& layer = network_.network.layers[index];
    ir::LayerScales result;
    const auto weights = network_.weights.layers.find(layer.name);
    if (weights != network_.weights.layers.end()) {
      result.format = format;
      result.weight = weight_scales(weights->second.weight, format);
    }
    const int input = layer.inputs.front();
    const int input_tensor =
        input == ir::kNetworkInput ? scales_.input : scales_.layers[input].output;
    if (!is_fused(index)) {
      result.output = keeps_scale(layer.op) ? input_tensor : add(ranges_.at(index));
    }
    return result;
  }

  /// max|w|/highest of 4 bits and more, of fewer LSQ's start 2·mean|w|/√highest (section 2.1).
  static std::vector<float> weight_scales(const ir::Array& weight, ir::WeightFormat format) {
    const auto highest = static_cast<double>(ir::info(format).highest);
    const auto channels = static_cast<std::size_t>(weight.shape[0]);
    const std::size_t count = weight.values.size() / channels;
    std::vector<float> scales;
    for (std::size_t c = 0; c < channels; ++c) {
      double largest = 1e-6;
      double sum = 1e-6;
      for (std::size_t i = c * count; i < (c + 1) * count; ++i) {
        largest = std::max(largest, std::abs(double(weight.values[i])));
        sum += std::abs(weight.values[i]);
      }
      const double start = 2 * sum / static_cast<double>(count) / std::sqrt(highest);
      scales.push_back(static_cast<float>(highest >= 7 ? largest / highest : start));
    }
    return scales;
  }

  const ir::FoldedNetwork& network_;
  int bits_;
  std::map<int, Range> ranges_;
  ir::NetworkScales scales_;
};

}  // namespace hwnas::train
