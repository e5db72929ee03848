#include "bench/reference_candidate.hpp"

#include <string>

namespace hwnas::bench {
namespace {

class Builder {
 public:
  Builder() { network_.input = {1, 28, 28}; }

  void conv_block(int channels, int kernel, int stride, int groups, bool activation) {
    ir::Conv2d conv;
    conv.out_channels = channels;
    conv.groups = groups;
    const int pad = kernel / 2;
    conv.window = {kernel, kernel, stride, stride, {pad, pad, pad, pad}};
    add(conv);
    add(ir::BatchNorm{});
    if (activation) add(ir::Activation{ir::ActivationKind::kRelu6});
    channels_ = channels;
  }

  void inverted_residual(int channels, int stride) {
    constexpr int kExpansion = 3;
    const int input = last_;
    const int input_channels = channels_;
    const int hidden = input_channels * kExpansion;
    conv_block(hidden, 1, 1, 1, true);
    conv_block(hidden, 3, stride, hidden, true);
    conv_block(channels, 1, 1, 1, false);
    if (stride == 1 && channels == input_channels) add(ir::Add{}, {last_, input});
  }

  void add(const ir::Operator& op) { add(op, {last_}); }

  ir::Network take() { return std::move(network_); }

 private:
  void add(const ir::Operator& op, std::vector<int> inputs) {
    last_ = static_cast<int>(network_.layers.size());
    network_.layers.push_back({"layer" + std::to_string(last_), op, std::move(inputs), {}});
  }

  ir::Network network_;
  int last_ = ir::kNetworkInput;
  int channels_ = 1;
};

}  // namespace

ir::Network reference_candidate() {
  Builder builder;
  builder.conv_block(16, 3, 2, 1, true);
  builder.inverted_residual(16, 1);
  builder.inverted_residual(24, 2);
  builder.inverted_residual(24, 1);
  builder.inverted_residual(40, 2);
  builder.inverted_residual(40, 1);
  builder.conv_block(96, 1, 1, 1, true);
  builder.add(ir::GlobalAveragePool{});
  builder.add(ir::Flatten{});
  builder.add(ir::Linear{10});
  return builder.take();
}

}  // namespace hwnas::bench
