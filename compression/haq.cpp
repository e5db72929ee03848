#include "compression/haq.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <variant>

#include "compression/unlimited_bound.hpp"
#include "core/error.hpp"

namespace hwnas::compression {

namespace {

/// Options of a group by weight bits, then by activation bits; both ascending.
using Steps = std::vector<std::vector<int>>;

Steps steps_of(const AllocationGroup& group) {
  std::map<int, std::map<int, int>> by_bits;
  for (std::size_t i = 0; i < group.options.size(); ++i) {
    const AllocationOption& option = group.options[i];
    if (!option.allowed) continue;
    const auto [place, is_new] =
        by_bits[option.weight_bits].try_emplace(option.activation_bits, static_cast<int>(i));
    if (!is_new && option.objective < group.options[place->second].objective) {
      place->second = static_cast<int>(i);
    }
  }
  Steps steps;
  for (const auto& [weight_bits, row] : by_bits) {
    steps.emplace_back();
    for (const auto& [activation_bits, option] : row) steps.back().push_back(option);
  }
  return steps;
}

/// A choice as the agent makes it: a step of weight bits and one of activation bits a group.
struct Bits {
  std::size_t weight = 0;
  std::size_t activation = 0;
};

class Environment {
 public:
  explicit Environment(const AllocationProblem& problem) : problem_(problem) {
    for (const AllocationGroup& group : problem.groups) steps_.push_back(steps_of(group));
  }

  std::size_t weight_steps(std::size_t group) const { return steps_[group].size(); }
  std::size_t activation_steps(std::size_t group, std::size_t weight) const {
    return steps_[group][weight].size();
  }

  std::vector<int> choice(const std::vector<Bits>& bits) const {
    std::vector<int> result;
    for (std::size_t g = 0; g < bits.size(); ++g) {
      result.push_back(steps_[g][bits[g].weight][bits[g].activation]);
    }
    return result;
  }

  /// False if the lowest bits are over a limit too.
  bool enforce_limits(std::vector<Bits>& bits) const {
    bool lowered = true;
    while (!keeps(bits) && lowered) {
      lowered = false;
      for (std::size_t g = bits.size(); g-- > 0;) {
        if (bits[g].activation > 0) {
          --bits[g].activation;
          lowered = true;
          if (keeps(bits)) return true;
        }
        if (bits[g].weight > 0) {
          lower_weight(g, bits[g]);
          lowered = true;
          if (keeps(bits)) return true;
        }
      }
    }
    return keeps(bits);
  }

 private:
  bool keeps(const std::vector<Bits>& bits) const {
    return keeps_limits(problem_, evaluate(problem_, choice(bits)));
  }

  int activation_bits(std::size_t group, std::size_t weight, std::size_t activation) const {
    return problem_.groups[group].options[steps_[group][weight][activation]].activation_bits;
  }

  /// Keeps the activation bits, or takes the next lower ones that there are.
  void lower_weight(std::size_t group, Bits& bits) const {
    const int before = activation_bits(group, bits.weight, bits.activation);
    --bits.weight;
    bits.activation = activation_steps(group, bits.weight) - 1;
    while (bits.activation > 0 && activation_bits(group, bits.weight, bits.activation) > before) {
      --bits.activation;
    }
  }

  const AllocationProblem& problem_;
  std::vector<Steps> steps_;
};

/// Features of each group, each scaled to 0..1 over the groups; the agent's own ones come after.
std::vector<std::vector<float>> features(const std::vector<HaqLayer>& layers, std::size_t groups) {
  std::vector<std::vector<float>> result;
  for (std::size_t g = 0; g < groups; ++g) {
    const HaqLayer layer = layers.empty() ? HaqLayer{} : layers[g];
    result.push_back({});
    for (const double value :
         {layer.depthwise ? 1.0 : 0.0, layer.in_channels, layer.out_channels, layer.stride,
          layer.kernel, layer.weights, layer.input_elements, static_cast<double>(g)}) {
      result.back().push_back(static_cast<float>(value));
    }
  }
  for (std::size_t i = 0; i < result.front().size(); ++i) {
    float low = result.front()[i];
    float high = low;
    for (const std::vector<float>& row : result) {
      low = std::min(low, row[i]);
      high = std::max(high, row[i]);
    }
    for (std::vector<float>& row : result) row[i] = high > low ? (row[i] - low) / (high - low) : 0;
  }
  return result;
}

/// ⌊a·n⌋ is the paper's round(lb − ½ + a·(ub − lb + 1)) counted from lb.
std::size_t step_of(float action, std::size_t steps) {
  const auto step = static_cast<std::size_t>(action * static_cast<float>(steps));
  return std::min(step, steps - 1);
}

/// The problem's objective as a reward, −1 for the worst options and 0 for the best.
std::function<double(const std::vector<int>&)> default_reward(const AllocationProblem& problem) {
  double low = 0;
  double high = 0;
  for (const AllocationGroup& group : problem.groups) {
    const auto [least, most] = std::ranges::minmax_element(
        group.options, {}, [](const AllocationOption& option) { return option.objective; });
    low += least->objective;
    high += most->objective;
  }
  const double range = high > low ? high - low : 1;
  return [&problem, low, range](const std::vector<int>& choice) {
    return -(evaluate(problem, choice).objective - low) / range;
  };
}

class Haq {
 public:
  Haq(const AllocationProblem& problem, const HaqInputs& inputs, std::uint64_t seed)
      : problem_(problem),
        inputs_(inputs),
        environment_(problem),
        features_(features(inputs.layers, problem.groups.size())),
        reward_(inputs.reward ? inputs.reward : default_reward(problem)),
        rng_(derive_seed(seed, {0})),
        // 128 episodes, as in HAQ.
        agent_(static_cast<int>(features_.front().size()) + 2, 128 * 2 * features_.size(),
               inputs.agent, Rng(derive_seed(seed, {1}))) {}

  Allocation run() {
    Allocation result;
    double best = 0;
    for (int episode = 0; episode < inputs_.episodes; ++episode) {
      std::vector<Transition> steps;
      std::vector<Bits> bits = walk(episode, steps);
      ++result.nodes;
      if (!environment_.enforce_limits(bits)) continue;
      const std::vector<int> choice = environment_.choice(bits);
      const double reward = reward_(choice);
      if (!result.feasible || reward > best) {
        best = reward;
        result.feasible = true;
        result.choice = choice;
      }
      learn(std::move(steps), reward, episode);
    }
    if (result.feasible) {
      result.value = evaluate(problem_, result.choice);
    } else {
      result.explanation = fmt::format(
          "HAQ: even the lowest bits of every group are over a limit, in each of {} episodes; the "
          "exact allocator says what can be reached",
          inputs_.episodes);
    }
    return result;
  }

 private:
  std::vector<Bits> walk(int episode, std::vector<Transition>& steps) {
    std::vector<Bits> bits(features_.size());
    float previous = 1;
    for (std::size_t g = 0; g < bits.size(); ++g) {
      for (const bool is_weight : {true, false}) {
        std::vector<float> state = features_[g];
        state.push_back(previous);
        state.push_back(is_weight ? 1.0F : 0.0F);
        const float action = explore(state, episode);
        if (is_weight) {
          bits[g].weight = step_of(action, environment_.weight_steps(g));
        } else {
          bits[g].activation = step_of(action, environment_.activation_steps(g, bits[g].weight));
        }
        if (!steps.empty()) steps.back().next_state = state;
        steps.push_back({.state = state, .action = action, .reward = 0, .next_state = state});
        previous = action;
      }
    }
    steps.back().last = true;
    return bits;
  }

  /// Uniform while warming up; then normal around the agent's action, cut off at 0 and 1.
  float explore(const std::vector<float>& state, int episode) {
    if (episode < inputs_.warm_up) return static_cast<float>(rng_.uniform());
    const double mean = agent_.act(state);
    const double deviation =
        inputs_.noise * std::pow(inputs_.noise_decay, episode - inputs_.warm_up);
    double action = mean + deviation * rng_.normal();
    while (action < 0 || action > 1) action = mean + deviation * rng_.normal();
    return static_cast<float>(action);
  }

  void learn(std::vector<Transition> steps, double reward, int episode) {
    for (Transition& step : steps) {
      step.reward = static_cast<float>(reward);
      agent_.remember(std::move(step));
      if (episode >= inputs_.warm_up) agent_.update();
    }
  }

  const AllocationProblem& problem_;
  const HaqInputs& inputs_;
  Environment environment_;
  std::vector<std::vector<float>> features_;
  std::function<double(const std::vector<int>&)> reward_;
  Rng rng_;
  Ddpg agent_;
};

}  // namespace

std::vector<HaqLayer> haq_layers(const PrecisionSpace& space) {
  const std::vector<ir::Shape> shapes = ir::infer_shapes(space.network);
  std::vector<HaqLayer> result;
  for (const std::vector<int>& group : space.groups) {
    const ir::Layer& layer = space.network.layers[group.front()];
    const ir::Shape in = ir::input_shape(space.network, shapes, group.front());
    HaqLayer seen{.in_channels = static_cast<double>(in.channels),
                  .out_channels = static_cast<double>(shapes[group.front()].channels),
                  .stride = 1,
                  .kernel = 1,
                  .weights = static_cast<double>(ir::parameters(layer, in)),
                  .input_elements = static_cast<double>(in.elements())};
    if (const auto* const conv = std::get_if<ir::Conv2d>(&layer.op)) {
      seen.depthwise = conv->groups > 1 && conv->groups == in.channels;
      seen.stride = conv->window.stride_height;
      seen.kernel = conv->window.kernel_height;
    }
    result.push_back(seen);
  }
  result.emplace_back();
  return result;
}

Allocation allocate_haq(const AllocationProblem& problem, const HaqInputs& inputs,
                        std::uint64_t seed) {
  verify(problem);
  if (!inputs.layers.empty() && inputs.layers.size() != problem.groups.size()) {
    throw invalid_argument("HAQ has features of {} layers for {} groups", inputs.layers.size(),
                           problem.groups.size());
  }
  const auto start = std::chrono::steady_clock::now();
  Allocation result = Haq(problem, inputs, seed).run();
  result.lower_bound = result.root_bound = unlimited_bound(problem);
  result.multipliers.assign(problem.limits.size(), 0);
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

}  // namespace hwnas::compression
