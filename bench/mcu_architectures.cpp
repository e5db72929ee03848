#include "mcu_architectures.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "tests/estimators/networks.hpp"

namespace hwnas::bench {

namespace {

using estimators::testing::Builder;

/// What the data set of an EdgeMark model asks of it.
struct EdgemarkTask {
  ir::Shape input;
  int outputs = 1;
};

EdgemarkTask task_of(const nlohmann::json& data) {
  const std::string name = data.at("name");
  const nlohmann::json& args = data.at("args");
  const bool flat = args.value("flat_features", false);
  if (name == "mnist") return {flat ? ir::Shape{784, 1, 1} : ir::Shape{1, 28, 28}, 10};
  if (name == "cifar10") return {flat ? ir::Shape{3072, 1, 1} : ir::Shape{3, 32, 32}, 10};
  if (name == "boston") return {{13, 1, 1}, 1};
  if (name == "sinus") return {{1, 1, 1}, 1};
  if (name == "randomset_classification") {
    return {{args.at("feature_shape").at(0).get<int>(), 1, 1}, args.at("num_labels").get<int>()};
  }
  throw invalid_argument("EdgeMark's data set '{}' has no known shape", name);
}

/// convs_params are [filters, kernel, stride]; without filters a pooling, and without kernel the
/// mean over all pixels.
void add_convolutions(Builder& net, const nlohmann::json& convolutions) {
  for (const nlohmann::json& step : convolutions) {
    const int filters = step.at(0), kernel = step.at(1), stride = step.at(2);
    if (filters > 0) {
      net.conv(net.last(), filters, kernel, stride);
    } else if (kernel > 0) {
      ir::Pool pool{.kind = ir::PoolKind::kMax, .window = {}};
      pool.window.kernel_height = pool.window.kernel_width = kernel;
      pool.window.stride_height = pool.window.stride_width = stride;
      net.add(pool);
    } else {
      net.add(ir::GlobalAveragePool{});
    }
  }
}

ir::Network from_edgemark(const nlohmann::json& model) {
  const EdgemarkTask task = task_of(model.at("dataset"));
  Builder net(task.input);
  add_convolutions(net, model.at("convs_params"));
  const ir::Shape shape = net.shape_of(net.last());
  if (shape.height * shape.width > 1) net.add(ir::Flatten{});
  for (const nlohmann::json& features : model.at("denses_params")) {
    net.add(ir::Linear{features.get<int>()});
    net.add(ir::Activation{});
  }
  net.add(ir::Linear{task.outputs});
  if (task.outputs > 1) net.add(ir::Softmax{});
  return net.take();
}

/// Channels times a width, to the nearest multiple of 8 that loses at most a tenth.
int scaled(int channels, double width) {
  const int nearest = std::max(8, static_cast<int>(channels * width + 4) / 8 * 8);
  return nearest < 0.9 * channels * width ? nearest + 8 : nearest;
}

ir::Network mobilenet_v2(double width, const ir::Shape& input, int classes) {
  struct Stage {
    int expansion, channels, blocks, stride;
  };
  Builder net(input);
  int x = net.conv(ir::kNetworkInput, scaled(32, width), 3, 2);
  for (const Stage& stage : {Stage{1, 16, 1, 1},
                             {6, 24, 2, 2},
                             {6, 32, 3, 2},
                             {6, 64, 4, 2},
                             {6, 96, 3, 1},
                             {6, 160, 3, 2},
                             {6, 320, 1, 1}}) {
    for (int block = 0; block < stage.blocks; ++block) {
      const int stride = block == 0 ? stage.stride : 1;
      const int in = net.shape_of(x).channels, out = scaled(stage.channels, width);
      const int wide = stage.expansion > 1 ? net.conv(x, stage.expansion * in, 1, 1) : x;
      const int body = net.conv(net.depthwise(wide, 3, stride), out, 1, 1, false);
      x = stride == 1 && in == out ? net.add(ir::Add{}, {x, body}) : body;
    }
  }
  net.conv(x, width > 1 ? scaled(1280, width) : 1280, 1, 1);
  return net.classifier(classes);
}

/// `widths` of the first convolution and of the eleven blocks.
ir::Network fd_mobilenet(const std::array<double, 12>& widths, const ir::Shape& input,
                         int classes) {
  struct Block {
    int channels, stride;
  };
  constexpr std::array<Block, 11> kBlocks = {{{64, 2},
                                              {128, 2},
                                              {128, 1},
                                              {256, 2},
                                              {256, 1},
                                              {512, 2},
                                              {512, 1},
                                              {512, 1},
                                              {512, 1},
                                              {512, 1},
                                              {1024, 1}}};
  Builder net(input);
  net.conv(ir::kNetworkInput, static_cast<int>(32 * widths[0]), 3, 2);
  for (std::size_t i = 0; i < kBlocks.size(); ++i) {
    net.depthwise(net.last(), 3, kBlocks[i].stride);
    net.conv(net.last(), static_cast<int>(kBlocks[i].channels * widths[i + 1]), 1, 1);
  }
  return net.classifier(classes);
}

ir::Network resnet32(const ir::Shape& input, int classes) {
  Builder net(input);
  int x = net.conv(ir::kNetworkInput, 16, 3, 1);
  for (const int channels : {16, 32, 64}) {
    for (int block = 0; block < 5; ++block) {
      const int stride = block == 0 && channels > 16 ? 2 : 1;
      net.conv(x, channels, 3, stride);
      const int body = net.conv(net.last(), channels, 3, 1, false);
      const int shortcut = stride == 1 ? x : net.conv(x, channels, 1, stride, false);
      net.add(ir::Add{}, {body, shortcut});
      x = net.add(ir::Activation{});
    }
  }
  return net.classifier(classes);
}

ir::Network mobilenet_v1(double width, const ir::Shape& input, int classes) {
  ir::Network network =
      estimators::testing::mobilenet_v1(static_cast<int>(4 * width), input.height, classes);
  network.input = input;
  return network;
}

ir::Network with_softmax(ir::Network network) {
  network.layers.push_back({.name = "softmax",
                            .op = ir::Softmax{},
                            .inputs = {static_cast<int>(network.layers.size()) - 1},
                            .precision = {}});
  return network;
}

}  // namespace

std::map<std::string, ir::Network> edgemark_networks(const std::filesystem::path& architectures) {
  std::ifstream file(architectures);
  if (!file) throw invalid_argument("cannot read {}", architectures.string());
  std::map<std::string, ir::Network> networks;
  const nlohmann::json models = nlohmann::json::parse(file);
  for (const auto& [path, model] : models.items()) {
    const bool wanted = path.starts_with(".Main/.CNN/") || path.starts_with(".Main/.FC/FC_");
    if (!wanted) continue;
    networks.emplace(std::filesystem::path(path).stem().string(), from_edgemark(model));
  }
  networks.emplace("TinyMLPerf_AE", estimators::testing::autoencoder());
  networks.emplace("TinyMLPerf_DS_CNN", with_softmax(estimators::testing::ds_cnn()));
  networks.emplace("TinyMLPerf_MBNet", with_softmax(estimators::testing::mobilenet_v1(1, 96, 2)));
  networks.emplace("TinyMLPerf_ResNet", with_softmax(estimators::testing::resnet8()));
  return networks;
}

std::optional<ir::Network> modelzoo_network(const std::string& name, const ir::Shape& input,
                                            int classes) {
  const auto width = [&] { return std::stod(name.substr(name.rfind('_') + 1)); };
  if (name.starts_with("mobilenet_v1_")) return mobilenet_v1(width(), input, classes);
  if (name.starts_with("mobilenet_v2_")) return mobilenet_v2(width(), input, classes);
  if (name == "fdmobilenet_0.25") {
    std::array<double, 12> widths{};
    widths.fill(0.25);
    return fd_mobilenet(widths, input, classes);
  }
  if (name == "st_fdmobilenet_v1") {
    return fd_mobilenet({0.5, 0.75, 0.625, 0.5, 0.375, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25},
                        input, classes);
  }
  if (name == "resnet_v1_8") return estimators::testing::resnet8();
  if (name == "resnet_v1_32") return resnet32(input, classes);
  return std::nullopt;
}

}  // namespace hwnas::bench
