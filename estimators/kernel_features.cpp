#include "estimators/kernel_features.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "core/error.hpp"
#include "estimators/cmsis_nn_loops.hpp"
#include "estimators/deployment.hpp"
#include "ir/overloaded.hpp"

namespace hwnas::estimators {

namespace {

constexpr std::array<std::string_view, kKernelKinds> kKindNames = {
    "conv", "pointwise", "depthwise", "linear", "pool", "elementwise", "copy"};

constexpr std::array<std::string_view, 19> kShapeNames = {"in_channels",
                                                          "out_channels",
                                                          "out_height",
                                                          "out_width",
                                                          "kernel_height",
                                                          "kernel_width",
                                                          "stride_height",
                                                          "stride_width",
                                                          "groups",
                                                          "macs",
                                                          "outputs",
                                                          "bytes",
                                                          "macs_a_byte",
                                                          "volume_mod_2",
                                                          "volume_mod_4",
                                                          "in_channels_mod_4",
                                                          "out_channels_mod_2",
                                                          "macs_filled_4",
                                                          "macs_filled_16"};

constexpr int kShapeSize = kKernelKinds + static_cast<int>(kShapeNames.size());

FeatureLayout make_layout() {
  FeatureLayout layout;
  for (const std::string_view kind : kKindNames) layout.names.push_back(fmt::format("is_{}", kind));
  layout.names.insert(layout.names.end(), kShapeNames.begin(), kShapeNames.end());
  const std::span<const std::string_view> loops = cmsis_nn_loop_names();
  layout.names.insert(layout.names.end(), loops.begin(), loops.end());
  layout.groups = {
      {"shape", FeatureRole::kEncoding, 0, kShapeSize},
      {"cmsis_nn", FeatureRole::kExecution, kShapeSize, static_cast<int>(loops.size())}};
  return layout;
}

std::int64_t filled(std::int64_t count, std::int64_t lanes) {
  return (count + lanes - 1) / lanes * lanes;
}

void describe(const ir::Operator& op, const Kernel& kernel, const ir::Shape& in,
              const ir::Shape& out, std::span<double> row) {
  ir::Window window;
  int groups = 1;
  if (const auto* const conv = std::get_if<ir::Conv2d>(&op)) {
    window = conv->window;
    groups = conv->groups;
  } else if (const auto* const pool = std::get_if<ir::Pool>(&op)) {
    window = pool->window;
  }
  row[static_cast<std::size_t>(kernel_kind(op, in))] = 1;
  const std::int64_t depth = in.channels / groups;
  const std::int64_t volume = depth * window.kernel_height * window.kernel_width;
  const auto macs = static_cast<double>(kernel.macs);
  const auto filled_macs = [&](std::int64_t lanes) {
    return macs * static_cast<double>(filled(out.channels, lanes)) / out.channels;
  };
  const std::array<double, kShapeNames.size()> values = {
      double(in.channels),
      double(out.channels),
      double(out.height),
      double(out.width),
      double(window.kernel_height),
      double(window.kernel_width),
      double(window.stride_height),
      double(window.stride_width),
      double(groups),
      macs,
      double(kernel.outputs),
      double(kernel.bytes),
      macs / static_cast<double>(std::max<std::int64_t>(kernel.bytes, 1)),
      double(volume % 2),
      double(volume % 4),
      double(depth % 4),
      double(out.channels % 2),
      filled_macs(4),
      filled_macs(16)};
  std::ranges::copy(values, row.begin() + kKernelKinds);
}

}  // namespace

std::string_view to_string(KernelKind kind) {
  return kKindNames[static_cast<std::size_t>(kind)];
}

KernelKind kernel_kind(const ir::Operator& op, const ir::Shape& in) {
  return std::visit(ir::overloaded{
                        [&](const ir::Conv2d& conv) {
                          if (conv.groups > 1 && conv.groups == in.channels)
                            return KernelKind::kDepthwise;
                          const bool one_tap =
                              conv.window.kernel_height * conv.window.kernel_width == 1;
                          return one_tap ? KernelKind::kPointwise : KernelKind::kConv;
                        },
                        [](const ir::Linear&) { return KernelKind::kLinear; },
                        [](const ir::BatchNorm&) { return KernelKind::kDepthwise; },
                        [](const ir::Pool&) { return KernelKind::kPool; },
                        [](const ir::GlobalAveragePool&) { return KernelKind::kPool; },
                        [](const ir::Concat&) { return KernelKind::kCopy; },
                        [](const ir::Pad&) { return KernelKind::kCopy; },
                        [](const ir::Flatten&) { return KernelKind::kCopy; },
                        [](const auto&) { return KernelKind::kElementwise; },
                    },
                    op);
}

const FeatureLayout& kernel_feature_layout() {
  static const FeatureLayout kLayout = make_layout();
  return kLayout;
}

int feature_column(const FeatureLayout& layout, std::string_view name) {
  const auto found = std::ranges::find(layout.names, name);
  if (found == layout.names.end()) throw error(ErrorCode::kNotFound, "no feature '{}'", name);
  return static_cast<int>(found - layout.names.begin());
}

const FeatureGroup& feature_group(const FeatureLayout& layout, std::string_view name) {
  const auto found = std::ranges::find(layout.groups, name, &FeatureGroup::name);
  if (found == layout.groups.end()) {
    throw error(ErrorCode::kNotFound, "no group of features '{}'", name);
  }
  return *found;
}

KernelFeatures kernel_features(const ir::Network& network, const FusionRules& rules) {
  const std::vector<ir::Shape> shapes = ir::infer_shapes(network);
  const std::vector<Kernel> work = kernels(network, shapes, execution(network, rules));
  KernelFeatures result;
  for (std::size_t i = 0; i < work.size(); ++i) {
    if (work[i].kind != KernelClass::kNone) result.layers.push_back(static_cast<int>(i));
  }
  result.rows.setZero(static_cast<Eigen::Index>(result.layers.size()),
                      static_cast<Eigen::Index>(kernel_feature_layout().names.size()));
  for (std::size_t k = 0; k < result.layers.size(); ++k) {
    const int layer = result.layers[k];
    const ir::Operator& op = network.layers[layer].op;
    const ir::Shape in = ir::input_shape(network, shapes, layer);
    const std::span<double> row(result.rows.row(static_cast<Eigen::Index>(k)).data(),
                                result.rows.cols());
    describe(op, work[layer], in, shapes[layer], row.first(kShapeSize));
    add_cmsis_nn_loops(op, work[layer], in, shapes[layer], row.subspan(kShapeSize));
  }
  return result;
}

}  // namespace hwnas::estimators
