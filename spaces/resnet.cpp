#include <utility>

#include "spaces/families.hpp"
#include "spaces/planned_space.hpp"

namespace hwnas::spaces {

namespace {

using ir::ActivationKind;

struct StagePlan {
  int depth = 0;
  int channels = 0;
  int kernel = 0;
  int stride = 1;
  bool operator==(const StagePlan&) const = default;
};

struct ResnetPlan {
  StagePlan stem;
  std::vector<StagePlan> stages;
  ActivationKind activation = ActivationKind::kRelu;
  bool operator==(const ResnetPlan&) const = default;
};

struct Stage {
  Choice<int> depth;
  Choice<int> channels;
  Choice<int> kernel;
  Choice<int> stride;
};

/// Two convolutions and a shortcut, which is a 1x1 convolution where the shape changes.
Tensor basic_block(NetworkBuilder& builder, const std::string& name, const Tensor& in,
                   const ConvSpec& first, ActivationKind activation) {
  Tensor x = builder.conv_bn_act(name + ".conv1", in, first, activation);
  x = builder.conv_bn(name + ".conv2", x, {first.out_channels, first.kernel});
  Tensor shortcut = in;
  if (x.shape != in.shape) {
    shortcut =
        builder.conv_bn(name + ".shortcut", in, {first.out_channels, square(1), first.stride});
  }
  return builder.activation(name + ".act", builder.add(name + ".add", {x, shortcut}), activation);
}

/// Basic blocks in stages: He et al., "Deep Residual Learning for Image Recognition" (2016),
/// section 4.2, with projection shortcuts (option B). Width and depth as in Zagoruyko and
/// Komodakis, "Wide Residual Networks" (2016).
class ResnetSpace final : public PlannedSpace<ResnetPlan> {
 public:
  ResnetSpace(const Config& options, const Task& task) : PlannedSpace(task) {
    options.require_known_keys(
        {"family", "width_multiplier", "divisor", "activation", "stem", "stages"});
    widths_ = WidthScale(options, decisions_);
    activation_ = decisions_.add(
        "activation", read_activations(options, "activation", fixed(ActivationKind::kRelu)));
    const Config& stem = options.at("stem");
    stem.require_known_keys({"channels", "kernel", "stride"});
    stem_ = read_layers("stem", stem);
    for (const Config& stage : read_stages(options)) {
      stage.require_known_keys({"depth", "channels", "kernel", "stride"});
      const std::string name = fmt::format("stage{}", stages_.size() + 1);
      const auto depth =
          decisions_.add(name + ".depth", read_integers(stage, "depth", kDepthRange));
      stages_.push_back(read_layers(name, stage));
      stages_.back().depth = depth;
    }
  }

 private:
  Stage read_layers(const std::string& name, const Config& config) {
    Stage stage;
    stage.channels = decisions_.add(name + ".channels",
                                    widths_.read_channels(config, "channels", kChannelsRange));
    stage.kernel =
        decisions_.add(name + ".kernel", read_integers(config, "kernel", kKernelRange, 3));
    stage.stride =
        decisions_.add(name + ".stride", read_integers(config, "stride", kStrideRange, 1));
    return stage;
  }

  StagePlan plan_stage(const Stage& stage, const Genotype& genotype) const {
    return {.depth = stage.depth(genotype),
            .channels = widths_(stage.channels, genotype),
            .kernel = stage.kernel(genotype),
            .stride = stage.stride(genotype)};
  }

  ResnetPlan plan(const Genotype& genotype) const override {
    ResnetPlan plan{plan_stage(stem_, genotype), {}, activation_(genotype)};
    for (const Stage& stage : stages_) plan.stages.push_back(plan_stage(stage, genotype));
    return plan;
  }

  ir::Network build(const ResnetPlan& plan) const override {
    NetworkBuilder builder(task_.input);
    Tensor x = builder.conv_bn_act(
        "stem", builder.input(),
        {plan.stem.channels, square(plan.stem.kernel), square(plan.stem.stride)}, plan.activation);
    for (std::size_t i = 0; i < plan.stages.size(); ++i) {
      const StagePlan& stage = plan.stages[i];
      for (int block = 0; block < stage.depth; ++block) {
        const int stride = block == 0 ? stage.stride : 1;
        x = basic_block(builder, fmt::format("stage{}.block{}", i + 1, block + 1), x,
                        {stage.channels, square(stage.kernel), square(stride)}, plan.activation);
      }
    }
    x = builder.global_average_pool("pool", x);
    return std::move(builder).finish(x, task_.classes);
  }

  WidthScale widths_;
  Choice<ActivationKind> activation_;
  Stage stem_;
  std::vector<Stage> stages_;
};

}  // namespace

std::unique_ptr<SearchSpace> make_resnet(const Config& options, const Task& task) {
  return std::make_unique<ResnetSpace>(options, task);
}

}  // namespace hwnas::spaces
