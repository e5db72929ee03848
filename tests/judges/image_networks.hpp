#pragma once

#include <string>
#include <vector>

#include "compression/quantizer.hpp"
#include "data/dataset.hpp"
#include "exporters/deployed.hpp"
#include "exporters/exporter.hpp"
#include "tests/ir/network_zoo.hpp"

/// Three networks over images of Fashion-MNIST that together use every integer kernel and weight
/// format: what judges run on ten thousand images.
namespace hwnas::judges {

using ir::zoo::conv;
using ir::zoo::square;

inline const ir::Shape kImage{.channels = 1, .height = 28, .width = 28};
inline constexpr std::size_t kCalibrationImages = 32;

struct Case {
  std::string name;
  ir::Network network;
  compression::BitWidths widths;
};

/// Residual blocks of full convolutions: 2.1 million MACs.
inline Case residual() {
  ir::zoo::Builder net(kImage);
  int x = net.conv_block(conv(8, square(3)), ir::ActivationKind::kRelu);
  for (const int channels : {8, 16, 24}) {
    const int stride = channels == 8 ? 1 : 2;
    net.add(conv(channels, square(3, stride)), {x});
    net.add(ir::BatchNorm{});
    net.add(ir::Activation{});
    net.add(conv(channels, square(3)));
    const int body = net.add(ir::BatchNorm{});
    const int shortcut = stride == 1 ? x : net.add(conv(channels, square(1, stride)), {x});
    net.add(ir::Add{}, {body, shortcut});
    x = net.add(ir::Activation{});
  }
  net.add(ir::GlobalAveragePool{});
  net.add(ir::Linear{10});
  return {"residual", net.take(), {}};
}

/// Inverted residuals with squeeze-and-excite and hard-swish.
inline Case mobile() {
  ir::zoo::Builder net(kImage);
  int x = net.conv_block(conv(8, square(3, 2)), ir::ActivationKind::kHardSwish);
  for (const int kernel : {3, 5}) {
    net.conv_block(conv(32, square(1)), ir::ActivationKind::kRelu6);
    const int features =
        net.conv_block(conv(32, square(kernel), 32), ir::ActivationKind::kHardSwish);
    net.add(ir::GlobalAveragePool{});
    net.add(conv(8, square(1), 1, true));
    net.add(ir::Activation{});
    net.add(conv(32, square(1), 1, true));
    const int gate = net.add(ir::Activation{ir::ActivationKind::kHardSigmoid});
    net.add(ir::Mul{}, {features, gate});
    net.add(conv(8, square(1)));
    const int projected = net.add(ir::BatchNorm{});
    x = net.add(ir::Add{}, {x, projected});
  }
  net.conv_block(conv(24, square(3, 2)), ir::ActivationKind::kRelu);
  net.add(ir::GlobalAveragePool{});
  net.add(ir::Linear{10});
  net.add(ir::Softmax{});
  return {"mobile", net.take(), {}};
}

/// Branches, pools and a flattened map, with weights of every format.
inline Case mixed() {
  ir::zoo::Builder net(kImage);
  const int stem = net.conv_block(conv(12, square(3, 2)), ir::ActivationKind::kRelu);
  const int left = net.conv_block(conv(12, square(3), 12), ir::ActivationKind::kRelu);
  net.add(ir::Pool{ir::PoolKind::kAverage, square(3)}, {stem});
  const int right = net.conv_block(conv(12, square(1)), ir::ActivationKind::kRelu);
  const int both = net.add(ir::Concat{}, {left, right});
  net.conv_block(conv(24, square(3), 4), ir::ActivationKind::kRelu);
  net.add(ir::Pool{ir::PoolKind::kMax, {2, 2, 2, 2, {}}});
  const int body = net.conv_block(conv(16, square(3)), ir::ActivationKind::kRelu);
  net.add(ir::Flatten{});
  net.add(ir::Linear{10});
  Case result{"mixed", net.take(), {}};
  using enum ir::WeightFormat;
  const auto set = [&](int block, ir::WeightFormat format) {
    result.widths.formats[result.network.layers[static_cast<std::size_t>(block) - 2].name] = format;
  };
  set(left, kInt4);
  set(right, kBinary);
  set(both + 3, kTernary);
  set(body, kInt2);
  result.widths.formats[result.network.layers.back().name] = kInt4;
  return result;
}

/// Bytes scaled to 0..1.
inline std::vector<float> image(const data::Dataset& images, std::size_t index) {
  std::vector<float> values;
  const auto size = static_cast<std::size_t>(images.shape.elements());
  for (std::size_t i = index * size; i < (index + 1) * size; ++i) {
    values.push_back(static_cast<float>(images.bytes[i]) / 255);
  }
  return values;
}

/// With random weights, calibrated on training images.
inline exporters::Model quantized(const Case& item, const data::DataSource& source) {
  exporters::Model model{.name = item.name,
                         .network = item.network,
                         .weights = ir::zoo::random_weights(item.network, 11),
                         .normalisation = {.mean = {0.286F}, .std_dev = {0.353F}},
                         .class_names = source.train.class_names};
  const compression::Samples samples{.count = kCalibrationImages, .at = [&](std::size_t i) {
                                       return exporters::normalised(model.normalisation, kImage,
                                                                    image(source.train, i));
                                     }};
  const ir::FoldedNetwork low = compression::lowered(model.network, model.weights);
  const ir::NetworkScales plan = compression::plan_scales(low.network, item.widths);
  const auto observed = compression::observe(low, plan, samples);
  model.quantized =
      compression::quantized(low, compression::calibrated(low, plan, observed, "min_max"));
  return model;
}

}  // namespace hwnas::judges
