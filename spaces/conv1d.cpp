#include <utility>

#include "core/error.hpp"
#include "spaces/families.hpp"
#include "spaces/planned_space.hpp"

namespace hwnas::spaces {

namespace {

using ir::ActivationKind;

struct ConvPlan {
  int channels = 0;
  int kernel = 0;
  int stride = 1;
  bool separable = false;
  bool operator==(const ConvPlan&) const = default;
};

struct Conv1dPlan {
  std::vector<std::vector<ConvPlan>> stages;
  ActivationKind activation = ActivationKind::kRelu;
  bool operator==(const Conv1dPlan&) const = default;
};

struct Stage {
  Choice<int> depth;
  Choice<int> channels;
  Choice<int> kernel;
  Choice<int> stride;
  Choice<bool> separable;
};

/// Convolutions along time, batch norm and activation after each, and a global average pool: Wang
/// et al., "Time Series Classification from Scratch with Deep Neural Networks" (2017), FCN. Wide
/// kernels become cheap where a stage is depthwise-separable.
class Conv1dSpace final : public PlannedSpace<Conv1dPlan> {
 public:
  Conv1dSpace(const Config& options, const Task& task) : PlannedSpace(task) {
    if (task.input.height != 1) {
      throw invalid_argument("family conv1d reads series of height 1, but the data are {}x{}x{}",
                             task.input.channels, task.input.height, task.input.width);
    }
    options.require_known_keys({"family", "width_multiplier", "divisor", "activation", "stages"});
    widths_ = WidthScale(options, decisions_);
    activation_ = decisions_.add(
        "activation", read_activations(options, "activation", fixed(ActivationKind::kRelu)));
    for (const Config& stage : read_stages(options)) read_stage(stage);
  }

 private:
  void read_stage(const Config& config) {
    constexpr IntRange kLengthRange{1, 1024};
    config.require_known_keys({"depth", "channels", "kernel", "stride", "separable"});
    const std::string name = fmt::format("stage{}", stages_.size() + 1);
    Stage stage;
    stage.depth = decisions_.add(name + ".depth", read_integers(config, "depth", kDepthRange, 1));
    stage.channels = decisions_.add(name + ".channels",
                                    widths_.read_channels(config, "channels", kChannelsRange));
    stage.kernel = decisions_.add(name + ".kernel", read_integers(config, "kernel", kLengthRange));
    stage.stride =
        decisions_.add(name + ".stride", read_integers(config, "stride", kLengthRange, 1));
    stage.separable = decisions_.add(name + ".separable", read_flags(config, "separable", false));
    stages_.push_back(std::move(stage));
  }

  Conv1dPlan plan(const Genotype& genotype) const override {
    Conv1dPlan plan{{}, activation_(genotype)};
    for (const Stage& stage : stages_) {
      std::vector<ConvPlan> convs(stage.depth(genotype),
                                  {.channels = widths_(stage.channels, genotype),
                                   .kernel = stage.kernel(genotype),
                                   .separable = stage.separable(genotype)});
      convs.front().stride = stage.stride(genotype);
      plan.stages.push_back(std::move(convs));
    }
    return plan;
  }

  ir::Network build(const Conv1dPlan& plan) const override {
    NetworkBuilder builder(task_.input);
    Tensor x = builder.input();
    for (std::size_t stage = 0; stage < plan.stages.size(); ++stage) {
      for (std::size_t i = 0; i < plan.stages[stage].size(); ++i) {
        const ConvPlan& conv = plan.stages[stage][i];
        const std::string name = fmt::format("stage{}.block{}", stage + 1, i + 1);
        const ConvSpec spec{conv.channels, {1, conv.kernel}, {1, conv.stride}};
        x = conv.separable ? builder.separable(name, x, spec, plan.activation)
                           : builder.conv_bn_act(name, x, spec, plan.activation);
      }
    }
    x = builder.global_average_pool("pool", x);
    return std::move(builder).finish(x, task_.classes);
  }

  WidthScale widths_;
  Choice<ActivationKind> activation_;
  std::vector<Stage> stages_;
};

}  // namespace

std::unique_ptr<SearchSpace> make_conv1d(const Config& options, const Task& task) {
  return std::make_unique<Conv1dSpace>(options, task);
}

}  // namespace hwnas::spaces
