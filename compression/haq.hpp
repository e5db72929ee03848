#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "compression/allocation.hpp"
#include "compression/ddpg.hpp"
#include "compression/precision_space.hpp"

namespace hwnas::compression {

/// What HAQ's agent sees of a layer.
struct HaqLayer {
  bool depthwise = false;
  double in_channels = 0;
  double out_channels = 0;
  double stride = 0;
  double kernel = 0;
  double weights = 0;
  double input_elements = 0;
};
/// Of the first layer of each group, with an empty one for "other layers" of allocation_problem.
std::vector<HaqLayer> haq_layers(const PrecisionSpace& space);

struct HaqInputs {
  int episodes = 600;
  int warm_up = 20;           ///< episodes of random actions
  double noise = 0.5;         ///< standard deviation of the first action after the warm-up
  double noise_decay = 0.99;  ///< an episode
  DdpgOptions agent;
  std::vector<HaqLayer> layers;  ///< one a group; empty: the agent tells groups by index alone
  /// What the agent maximises, of a choice that keeps the limits (0.1 · change of the accuracy in
  /// percent in HAQ, after an epoch of finetuning); empty: the problem's objective, scaled to
  /// −1..0.
  std::function<double(const std::vector<int>& choice)> reward;
};

/// HAQ (Wang et al., CVPR 2019, arXiv 1811.08886): an agent walks over the groups and chooses bits
/// for weights, then for activations, from ten features (depthwise, channels in and out, stride,
/// kernel, weights, input size, index, its previous action, weights or activations; each scaled to
/// 0..1 over the groups). While a cost of the device is over its limit, bits are lowered one step
/// at a time from the last group backwards, activations first. The final reward is that of every
/// step; DDPG learns from it. The best choice of all episodes is returned.
///
/// Bits are steps among those that the group's allowed options have: for 2, 3, …, 8 bits that is
/// the paper's rounding. Of options with equal bits the one with the least objective stands for
/// all. lower_bound is that without limits. Deterministic in `seed`. Throws what verify throws, and
/// InvalidArgument if `layers` has the wrong size.
Allocation allocate_haq(const AllocationProblem& problem, const HaqInputs& inputs,
                        std::uint64_t seed);

}  // namespace hwnas::compression
