#pragma once

#include <cstddef>
#include <vector>

#include "compression/mlp.hpp"
#include "core/rng.hpp"

namespace hwnas::compression {

/// Defaults: HAQ's.
struct DdpgOptions {
  int hidden = 300;  ///< units in each of two layers
  float actor_rate = 1e-4F;
  float critic_rate = 1e-3F;
  int batch = 64;
  float target_rate = 0.01F;  ///< τ
  float discount = 1;
  float baseline_momentum = 0.5F;  ///< of the moving average that is subtracted from rewards
};

/// What an agent saw, did and got.
struct Transition {
  std::vector<float> state;
  float action = 0;
  float reward = 0;
  std::vector<float> next_state;
  bool last = false;  ///< of its episode
};

/// Deterministic policy gradient with one action in 0..1 (Lillicrap et al., "Continuous Control
/// with Deep Reinforcement Learning", 2016, algorithm 1), with AMC's moving baseline of rewards.
/// Deterministic in the generator.
class Ddpg {
 public:
  Ddpg(int state_size, std::size_t memory, const DdpgOptions& options, Rng rng);

  float act(const std::vector<float>& state);
  /// Replaces the oldest when the memory is full.
  void remember(Transition transition);
  /// One step of critic and actor on a batch from the memory, which must not be empty.
  void update();

 private:
  DdpgOptions options_;
  std::size_t capacity_;
  Rng rng_;
  Mlp actor_;
  Mlp critic_;
  Mlp target_actor_;
  Mlp target_critic_;
  std::vector<Transition> memory_;
  std::size_t oldest_ = 0;
  float baseline_ = 0;
  bool has_baseline_ = false;
};

}  // namespace hwnas::compression
