#include <algorithm>
#include <cmath>
#include <utility>

#include "spaces/families.hpp"
#include "spaces/planned_space.hpp"

namespace hwnas::spaces {

namespace {

using ir::ActivationKind;

struct BlockPlan {
  int expanded_channels = 0;  ///< equal to the block's input: no expansion
  int out_channels = 0;
  int kernel = 0;
  int stride = 1;
  int squeezed_channels = 0;  ///< 0: no squeeze-and-excite
  ActivationKind activation = ActivationKind::kRelu;
  bool operator==(const BlockPlan&) const = default;
};

struct MobilePlan {
  int initial_pool = 1;
  int stem_channels = 0;
  int stem_kernel = 0;
  int stem_stride = 0;
  ActivationKind activation = ActivationKind::kRelu;
  std::vector<std::vector<BlockPlan>> stages;
  int head_channels = 0;  ///< 0: no convolution before the pool
  int head_features = 0;  ///< 0: no hidden linear layer after the pool
  bool operator==(const MobilePlan&) const = default;
};

struct Stage {
  Choice<int> depth;
  Choice<int> channels;
  Choice<int> stride;
  std::vector<Choice<int>> kernel;        ///< for each block
  std::vector<Choice<double>> expansion;  ///< for each block
  Choice<bool> squeeze_excite;
  bool may_exist = false;
  Choice<ActivationKind> activation;
};

Tensor inverted_residual(NetworkBuilder& builder, const std::string& name, const Tensor& in,
                         const BlockPlan& block) {
  Tensor x = in;
  if (block.expanded_channels != in.shape.channels) {
    x = builder.conv_bn_act(name + ".expand", x, {.out_channels = block.expanded_channels},
                            block.activation);
  }
  x = builder.depthwise_bn_act(name + ".depthwise", x, square(block.kernel), square(block.stride),
                               block.activation);
  if (block.squeezed_channels > 0) {
    x = builder.squeeze_excite(name + ".squeeze_excite", x, block.squeezed_channels);
  }
  x = builder.conv_bn(name + ".project", x, {.out_channels = block.out_channels});
  return x.shape == in.shape ? builder.add(name + ".add", {in, x}) : x;
}

/// Inverted residual blocks in stages: Sandler et al., "MobileNetV2" (2018), table 2; squeeze-and-
/// excite, hard swish and the head: Howard et al., "Searching for MobileNetV3" (2019), table 1.
/// `per_block` opens kernel and expansion of every block, as in Cai et al., "Once-for-All" (2020).
///
/// A classifier, head or first block that follows a stage or a head which the network lacks is
/// named for what it reads, "logits.of_stage3": those channels do not stand for the same, so it
/// shares no weights (nn/shared_parameters.hpp) with "logits".
class MobileSpace final : public PlannedSpace<MobilePlan> {
 public:
  MobileSpace(const Config& options, const Task& task);

 private:
  void read_stem(const Config& stem);
  void read_stage(const Config& config, const Options<ActivationKind>& activations, bool per_block);
  void read_head(const Config& head);
  MobilePlan plan(const Genotype& genotype) const override;
  std::vector<BlockPlan> plan_stage(const Stage& stage, int in_channels,
                                    const Genotype& genotype) const;
  ir::Network build(const MobilePlan& plan) const override;

  WidthScale widths_;
  Choice<ActivationKind> activation_;
  Choice<int> initial_pool_;
  Choice<int> stem_channels_, stem_kernel_, stem_stride_;
  std::vector<Stage> stages_;
  Choice<int> head_channels_, head_features_;
  bool may_have_head_ = false;
  bool may_have_features_ = false;
};

MobileSpace::MobileSpace(const Config& options, const Task& task) : PlannedSpace(task) {
  options.require_known_keys({"family", "width_multiplier", "divisor", "activation", "initial_pool",
                              "per_block", "stem", "stages", "head"});
  widths_ = WidthScale(options, decisions_);
  const auto activations = read_activations(options, "activation", fixed(ActivationKind::kRelu6));
  activation_ = decisions_.add("activation", activations);
  initial_pool_ = decisions_.add("initial_pool", read_integers(options, "initial_pool", {1, 8}, 1));
  read_stem(options.at("stem"));
  for (const Config& stage : read_stages(options)) {
    read_stage(stage, activations, options.bool_or("per_block", false));
  }
  if (const Config* head = options.find("head")) read_head(*head);
}

void MobileSpace::read_stem(const Config& stem) {
  stem.require_known_keys({"channels", "kernel", "stride"});
  stem_channels_ =
      decisions_.add("stem.channels", widths_.read_channels(stem, "channels", kChannelsRange));
  stem_kernel_ = decisions_.add("stem.kernel", read_integers(stem, "kernel", kKernelRange, 3));
  stem_stride_ = decisions_.add("stem.stride", read_integers(stem, "stride", kStrideRange, 2));
}

void MobileSpace::read_stage(const Config& config, const Options<ActivationKind>& activations,
                             bool per_block) {
  config.require_known_keys(
      {"depth", "channels", "stride", "kernel", "expansion", "squeeze_excite", "activation"});
  const std::string name = fmt::format("stage{}", stages_.size() + 1);
  const auto depths = read_integers(config, "depth", {0, kDepthRange.max});
  const int blocks = depths.values.back();
  Stage stage;
  stage.depth = decisions_.add(name + ".depth", depths);
  stage.may_exist = blocks > 0;
  stage.channels =
      decisions_.add(name + ".channels", widths_.read_channels(config, "channels", kChannelsRange));
  stage.stride = decisions_.add(name + ".stride", read_integers(config, "stride", kStrideRange, 1));
  stage.kernel = decisions_.add_for_blocks(
      name, "kernel", read_integers(config, "kernel", kKernelRange, 3), blocks, per_block);
  stage.expansion = decisions_.add_for_blocks(
      name, "expansion", read_reals(config, "expansion", 1, 16), blocks, per_block);
  stage.squeeze_excite =
      decisions_.add(name + ".squeeze_excite", read_flags(config, "squeeze_excite", false));
  stage.activation = activation_;
  if (config.find("activation") != nullptr) {
    stage.activation =
        decisions_.add(name + ".activation", read_activations(config, "activation", activations));
  }
  stages_.push_back(std::move(stage));
}

void MobileSpace::read_head(const Config& head) {
  constexpr IntRange kOptionalWidth{0, kChannelsRange.max};
  head.require_known_keys({"channels", "features"});
  const auto channels = widths_.read_channels(head, "channels", kOptionalWidth, 0);
  const auto features = read_integers(head, "features", kOptionalWidth, 0);
  head_channels_ = decisions_.add("head.channels", channels);
  head_features_ = decisions_.add("head.features", features);
  may_have_head_ = std::ranges::max(channels.values) > 0;
  may_have_features_ = std::ranges::max(features.values) > 0;
}

MobilePlan MobileSpace::plan(const Genotype& genotype) const {
  MobilePlan plan{.initial_pool = initial_pool_(genotype),
                  .stem_channels = widths_(stem_channels_, genotype),
                  .stem_kernel = stem_kernel_(genotype),
                  .stem_stride = stem_stride_(genotype),
                  .activation = activation_(genotype),
                  .stages = {},
                  .head_channels = widths_(head_channels_, genotype),
                  .head_features = head_features_(genotype)};
  int channels = plan.stem_channels;
  for (const Stage& stage : stages_) {
    plan.stages.push_back(plan_stage(stage, channels, genotype));
    if (!plan.stages.back().empty()) channels = plan.stages.back().back().out_channels;
  }
  return plan;
}

std::vector<BlockPlan> MobileSpace::plan_stage(const Stage& stage, int in_channels,
                                               const Genotype& genotype) const {
  std::vector<BlockPlan> blocks(stage.depth(genotype));
  int channels = in_channels;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    BlockPlan& block = blocks[i];
    block.expanded_channels =
        static_cast<int>(std::lround(channels * stage.expansion[i](genotype)));
    block.out_channels = channels = widths_(stage.channels, genotype);
    block.kernel = stage.kernel[i](genotype);
    block.stride = i == 0 ? stage.stride(genotype) : 1;
    block.activation = stage.activation(genotype);
    if (stage.squeeze_excite(genotype)) {
      block.squeezed_channels = round_channels(block.expanded_channels / 4.0, widths_.divisor());
    }
  }
  return blocks;
}

ir::Network MobileSpace::build(const MobilePlan& plan) const {
  NetworkBuilder builder(task_.input);
  Tensor x = builder.input();
  if (plan.initial_pool > 1) x = builder.downsample("initial_pool", x, plan.initial_pool);
  x = builder.conv_bn_act("stem", x,
                          {plan.stem_channels, square(plan.stem_kernel), square(plan.stem_stride)},
                          plan.activation);
  std::string before = "stem";  // what the largest network has before the next layer
  std::string source = "stem";  // what this one has there
  const auto reading = [&](const std::string& layer) {
    return source == before ? layer : fmt::format("{}.of_{}", layer, source);
  };
  for (std::size_t i = 0; i < plan.stages.size(); ++i) {
    const std::string stage = fmt::format("stage{}", i + 1);
    for (std::size_t block = 0; block < plan.stages[i].size(); ++block) {
      const std::string name = fmt::format("{}.block{}", stage, block + 1);
      x = inverted_residual(builder, block == 0 ? reading(name) : name, x, plan.stages[i][block]);
    }
    if (!plan.stages[i].empty()) source = stage;
    if (stages_[i].may_exist) before = stage;
  }
  if (plan.head_channels > 0) {
    const ConvSpec spec{.out_channels = plan.head_channels};
    x = builder.conv_bn_act(reading("head"), x, spec, plan.activation);
    source = "head";
  }
  if (may_have_head_) before = "head";
  x = builder.global_average_pool("pool", x);
  if (plan.head_features > 0) {
    x = builder.linear(reading("features"), x, plan.head_features);
    x = builder.activation("features.act", x, plan.activation);
    source = "features";
  }
  if (may_have_features_) before = "features";
  return std::move(builder).finish(x, task_.classes, reading("logits"));
}

}  // namespace

std::unique_ptr<SearchSpace> make_mobile(const Config& options, const Task& task) {
  return std::make_unique<MobileSpace>(options, task);
}

}  // namespace hwnas::spaces
