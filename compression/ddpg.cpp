#include "compression/ddpg.hpp"

#include <utility>

namespace hwnas::compression {

namespace {

/// The critic reads state and action one below the other.
Eigen::MatrixXf stacked(const Eigen::MatrixXf& states, const Eigen::MatrixXf& actions) {
  Eigen::MatrixXf result(states.rows() + 1, states.cols());
  result << states, actions;
  return result;
}

void set_column(Eigen::MatrixXf& matrix, int column, const std::vector<float>& values) {
  matrix.col(column) =
      Eigen::Map<const Eigen::VectorXf>(values.data(), static_cast<Eigen::Index>(values.size()));
}

}  // namespace

Ddpg::Ddpg(int state_size, std::size_t memory, const DdpgOptions& options, Rng rng)
    : options_(options),
      capacity_(memory),
      rng_(rng),
      actor_({state_size, options.hidden, options.hidden, 1}, Mlp::Output::kSigmoid, rng_),
      critic_({state_size + 1, options.hidden, options.hidden, 1}, Mlp::Output::kLinear, rng_),
      target_actor_(actor_),
      target_critic_(critic_) {}

float Ddpg::act(const std::vector<float>& state) {
  Eigen::MatrixXf column(static_cast<Eigen::Index>(state.size()), 1);
  set_column(column, 0, state);
  return actor_.forward(column)(0, 0);
}

void Ddpg::remember(Transition transition) {
  if (memory_.size() < capacity_) {
    memory_.push_back(std::move(transition));
    return;
  }
  memory_[oldest_] = std::move(transition);
  oldest_ = (oldest_ + 1) % capacity_;
}

void Ddpg::update() {
  const auto rows = static_cast<Eigen::Index>(memory_.front().state.size());
  Eigen::MatrixXf states(rows, options_.batch);
  Eigen::MatrixXf next_states(rows, options_.batch);
  Eigen::MatrixXf actions(1, options_.batch);
  Eigen::MatrixXf rewards(1, options_.batch);
  Eigen::MatrixXf goes_on(1, options_.batch);
  for (int i = 0; i < options_.batch; ++i) {
    const Transition& transition = memory_[rng_.index(memory_.size())];
    set_column(states, i, transition.state);
    set_column(next_states, i, transition.next_state);
    actions(0, i) = transition.action;
    rewards(0, i) = transition.reward;
    goes_on(0, i) = transition.last ? 0 : 1;
  }
  const float momentum = has_baseline_ ? options_.baseline_momentum : 0;
  baseline_ = momentum * baseline_ + (1 - momentum) * rewards.mean();
  has_baseline_ = true;

  const Eigen::MatrixXf next_values =
      target_critic_.forward(stacked(next_states, target_actor_.forward(next_states)));
  const Eigen::MatrixXf targets =
      rewards.array() - baseline_ + options_.discount * goes_on.array() * next_values.array();
  const float scale = 2.0F / static_cast<float>(options_.batch);
  critic_.backward(scale * (critic_.forward(stacked(states, actions)) - targets));
  critic_.step(options_.critic_rate);

  critic_.forward(stacked(states, actor_.forward(states)));
  const Eigen::MatrixXf ascent =
      Eigen::MatrixXf::Constant(1, options_.batch, -1 / static_cast<float>(options_.batch));
  actor_.backward(critic_.backward(ascent).bottomRows(1));
  actor_.step(options_.actor_rate);

  target_actor_.follow(actor_, options_.target_rate);
  target_critic_.follow(critic_, options_.target_rate);
}

}  // namespace hwnas::compression
