#include <utility>

#include "spaces/families.hpp"
#include "spaces/planned_space.hpp"

namespace hwnas::spaces {

namespace {

using ir::ActivationKind;

/// One convolution: the stem's, or a block's depthwise-separable one.
struct ConvPlan {
  int channels = 0;
  Size2d kernel;
  Size2d stride;
  bool operator==(const ConvPlan&) const = default;
};

struct DscnnPlan {
  ConvPlan stem;
  std::vector<ConvPlan> blocks;
  ActivationKind activation = ActivationKind::kRelu;
  bool operator==(const DscnnPlan&) const = default;
};

/// DS-CNN of Zhang et al., "Hello Edge: Keyword Spotting on Microcontrollers" (2017), section 4.5:
/// a rectangular stem over time x features, then depthwise-separable blocks of one width. Banbury
/// et al., "MLPerf Tiny Benchmark" (2021), uses four blocks of width 64.
class DscnnSpace final : public PlannedSpace<DscnnPlan> {
 public:
  DscnnSpace(const Config& options, const Task& task) : PlannedSpace(task) {
    options.require_known_keys(
        {"family", "width_multiplier", "divisor", "activation", "per_block", "stem", "blocks"});
    widths_ = WidthScale(options, decisions_);
    activation_ = decisions_.add(
        "activation", read_activations(options, "activation", fixed(ActivationKind::kRelu)));
    read_stem(options.at("stem"));
    read_blocks(options.at("blocks"), options.bool_or("per_block", false));
  }

 private:
  void read_stem(const Config& stem) {
    stem.require_known_keys({"channels", "kernel", "stride"});
    stem_channels_ =
        decisions_.add("stem.channels", widths_.read_channels(stem, "channels", kChannelsRange));
    stem_kernel_ = decisions_.add("stem.kernel", read_sizes(stem, "kernel", kKernelRange));
    stem_stride_ =
        decisions_.add("stem.stride", read_sizes(stem, "stride", kStrideRange, square(2)));
  }

  void read_blocks(const Config& blocks, bool per_block) {
    blocks.require_known_keys({"depth", "channels", "kernel", "first_stride"});
    const auto depths = read_integers(blocks, "depth", kDepthRange);
    const int most = depths.values.back();
    depth_ = decisions_.add("blocks.depth", depths);
    first_stride_ = decisions_.add("blocks.first_stride",
                                   read_sizes(blocks, "first_stride", kStrideRange, square(1)));
    channels_ = decisions_.add_for_blocks("blocks", "channels",
                                          widths_.read_channels(blocks, "channels", kChannelsRange),
                                          most, per_block);
    kernel_ = decisions_.add_for_blocks(
        "blocks", "kernel", read_sizes(blocks, "kernel", kKernelRange, square(3)), most, per_block);
  }

  DscnnPlan plan(const Genotype& genotype) const override {
    DscnnPlan plan{.stem = {.channels = widths_(stem_channels_, genotype),
                            .kernel = stem_kernel_(genotype),
                            .stride = stem_stride_(genotype)},
                   .blocks = {},
                   .activation = activation_(genotype)};
    for (int i = 0; i < depth_(genotype); ++i) {
      plan.blocks.push_back({.channels = widths_(channels_[i], genotype),
                             .kernel = kernel_[i](genotype),
                             .stride = i == 0 ? first_stride_(genotype) : square(1)});
    }
    return plan;
  }

  ir::Network build(const DscnnPlan& plan) const override {
    NetworkBuilder builder(task_.input);
    Tensor x = builder.conv_bn_act("stem", builder.input(),
                                   {plan.stem.channels, plan.stem.kernel, plan.stem.stride},
                                   plan.activation);
    for (std::size_t i = 0; i < plan.blocks.size(); ++i) {
      const ConvPlan& block = plan.blocks[i];
      x = builder.separable(fmt::format("block{}", i + 1), x,
                            {block.channels, block.kernel, block.stride}, plan.activation);
    }
    x = builder.global_average_pool("pool", x);
    return std::move(builder).finish(x, task_.classes);
  }

  WidthScale widths_;
  Choice<ActivationKind> activation_;
  Choice<int> stem_channels_;
  Choice<Size2d> stem_kernel_, stem_stride_;
  Choice<int> depth_;
  Choice<Size2d> first_stride_;
  std::vector<Choice<int>> channels_;   ///< for each block
  std::vector<Choice<Size2d>> kernel_;  ///< for each block
};

}  // namespace

std::unique_ptr<SearchSpace> make_dscnn(const Config& options, const Task& task) {
  return std::make_unique<DscnnSpace>(options, task);
}

}  // namespace hwnas::spaces
