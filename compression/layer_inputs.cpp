#include "compression/layer_inputs.hpp"

#include <variant>

namespace hwnas::compression {

namespace {

/// What convolutions and linear layers have in common.
struct View {
  ir::Conv2d conv;
  ir::Shape in;
  ir::Shape out;

  int depth() const { return in.channels / conv.groups; }
  int length() const { return depth() * conv.window.kernel_height * conv.window.kernel_width; }
};

View view_of(const ir::Operator& op, const ir::Shape& in, const ir::Shape& out) {
  if (const auto* const conv = std::get_if<ir::Conv2d>(&op)) return {*conv, in, out};
  return {{.out_channels = out.channels, .window = {}}, in, out};
}

/// One column an output pixel: the input values under the window of one group, 0 on padding.
Eigen::MatrixXf columns(const View& view, std::span<const float> input, int group) {
  const ir::Window& window = view.conv.window;
  Eigen::MatrixXf result = Eigen::MatrixXf::Zero(view.length(), view.out.height * view.out.width);
  for (int pixel = 0; pixel < result.cols(); ++pixel) {
    const int top = pixel / view.out.width * window.stride_height - window.padding.top;
    const int left = pixel % view.out.width * window.stride_width - window.padding.left;
    for (int row = 0; row < result.rows(); ++row) {
      const int kx = row % window.kernel_width;
      const int ky = row / window.kernel_width % window.kernel_height;
      const int channel = group * view.depth() + row / (window.kernel_width * window.kernel_height);
      const int y = top + ky * view.conv.dilation_height;
      const int x = left + kx * view.conv.dilation_width;
      if (y < 0 || y >= view.in.height || x < 0 || x >= view.in.width) continue;
      result(row, pixel) =
          input[(static_cast<std::size_t>(channel) * view.in.height + y) * view.in.width + x];
    }
  }
  return result;
}

class Collector {
 public:
  Collector(const View& view, int longest) : view_(view), with_gram_(view.length() <= longest) {
    moments_.mean.assign(view.conv.groups, Eigen::VectorXf::Zero(view.length()));
    if (with_gram_) {
      moments_.gram.assign(view.conv.groups, Eigen::MatrixXf::Zero(view.length(), view.length()));
    }
  }

  void add(std::span<const float> input) {
    for (int group = 0; group < view_.conv.groups; ++group) {
      const Eigen::MatrixXf x = columns(view_, input, group);
      const auto pixels = static_cast<float>(x.cols());
      moments_.mean[group] += x.rowwise().sum() / pixels;
      if (with_gram_)
        moments_.gram[group].selfadjointView<Eigen::Lower>().rankUpdate(x, 1 / pixels);
    }
  }

  InputMoments finish(std::size_t samples) && {
    const float share = 1.0F / static_cast<float>(samples);
    for (Eigen::VectorXf& mean : moments_.mean) mean *= share;
    for (Eigen::MatrixXf& gram : moments_.gram) {
      gram = Eigen::MatrixXf(gram.selfadjointView<Eigen::Lower>()) * share;
    }
    return std::move(moments_);
  }

 private:
  View view_;
  bool with_gram_;
  InputMoments moments_;
};

}  // namespace

std::map<std::string, InputMoments> input_moments(const ir::FoldedNetwork& network,
                                                  const Samples& samples, int longest) {
  const std::vector<ir::Shape> shapes = ir::infer_shapes(network.network);
  const std::vector<ir::Layer>& layers = network.network.layers;
  std::map<int, Collector> collectors;
  std::vector<bool> is_read(layers.size());
  for (int i = 0; i < std::ssize(layers); ++i) {
    if (!network.weights.layers.contains(layers[i].name)) continue;
    const ir::Shape in = ir::input_shape(network.network, shapes, i);
    collectors.try_emplace(i, view_of(layers[i].op, in, shapes[i]), longest);
    if (layers[i].inputs.front() != ir::kNetworkInput) is_read[layers[i].inputs.front()] = true;
  }
  for (std::size_t sample = 0; sample < samples.count; ++sample) {
    const std::vector<float> input = samples.at(sample);
    std::vector<std::vector<float>> outputs(layers.size());
    ir::run_reference(network.network, network.weights, input,
                      [&](int layer, std::span<const float> output) {
                        if (is_read[layer]) outputs[layer].assign(output.begin(), output.end());
                      });
    for (auto& [layer, collector] : collectors) {
      const int producer = layers[layer].inputs.front();
      collector.add(producer == ir::kNetworkInput ? input : outputs[producer]);
    }
  }
  std::map<std::string, InputMoments> moments;
  for (auto& [layer, collector] : collectors) {
    moments.emplace(layers[layer].name, std::move(collector).finish(samples.count));
  }
  return moments;
}

}  // namespace hwnas::compression
