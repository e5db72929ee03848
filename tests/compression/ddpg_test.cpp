#include "compression/ddpg.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace hwnas::compression {
namespace {

/// Σ (output − target)² over samples.
double loss(Mlp& mlp, const Eigen::MatrixXf& input, const Eigen::MatrixXf& target) {
  return (mlp.forward(input) - target).cast<double>().squaredNorm();
}

TEST(Mlp, InputGradientsAreDifferenceQuotients) {
  for (const Mlp::Output output : {Mlp::Output::kLinear, Mlp::Output::kSigmoid}) {
    Rng rng(1);
    Mlp mlp({3, 8, 6, 2}, output, rng);
    Eigen::MatrixXf input(3, 2);
    input << 0.3F, -0.8F, 1.1F, 0.4F, -0.2F, 0.9F;
    const Eigen::MatrixXf target = Eigen::MatrixXf::Constant(2, 2, 0.25F);
    const Eigen::MatrixXf gradient = mlp.backward(2 * (mlp.forward(input) - target));
    for (Eigen::Index i = 0; i < input.size(); ++i) {
      constexpr float kStep = 1e-2F;
      Eigen::MatrixXf up = input;
      Eigen::MatrixXf down = input;
      up.data()[i] += kStep;
      down.data()[i] -= kStep;
      const double quotient = (loss(mlp, up, target) - loss(mlp, down, target)) / (2 * kStep);
      EXPECT_NEAR(gradient.data()[i], quotient, 2e-3 + 0.02 * std::abs(quotient));
    }
  }
}

TEST(Mlp, LearnsExclusiveOr) {
  Rng rng(2);
  Mlp mlp({2, 16, 16, 1}, Mlp::Output::kSigmoid, rng);
  Eigen::MatrixXf input(2, 4);
  input << 0, 0, 1, 1, 0, 1, 0, 1;
  Eigen::MatrixXf target(1, 4);
  target << 0, 1, 1, 0;
  for (int i = 0; i < 500; ++i) {
    mlp.backward(2 * (mlp.forward(input) - target));
    mlp.step(1e-2F);
  }
  EXPECT_LT(loss(mlp, input, target), 0.05);
}

/// Episodes of one step; the best action is 0.8 in one state and 0.2 in the other.
TEST(Ddpg, FindsTheBestActionOfEachState) {
  Rng rng(3);
  Ddpg agent(2, 1000, {.hidden = 32, .actor_rate = 1e-3F, .critic_rate = 1e-2F}, Rng(4));
  for (int episode = 0; episode < 600; ++episode) {
    const bool first = rng.bernoulli(0.5);
    const std::vector<float> state = {first ? 1.0F : 0.0F, first ? 0.0F : 1.0F};
    const auto action = static_cast<float>(rng.uniform());
    const float miss = action - (first ? 0.8F : 0.2F);
    agent.remember({.state = state,
                    .action = action,
                    .reward = -4 * miss * miss,
                    .next_state = state,
                    .last = true});
    if (episode > 50) agent.update();
  }
  EXPECT_NEAR(agent.act({1, 0}), 0.8, 0.15);
  EXPECT_NEAR(agent.act({0, 1}), 0.2, 0.15);
}

}  // namespace
}  // namespace hwnas::compression
