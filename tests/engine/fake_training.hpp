#pragma once

#include <atomic>
#include <chrono>

#include "engine/training.hpp"

namespace hwnas::engine {

/// What a fake training does beside its results.
struct FakeTraining {
  /// An epoch sleeps for a random time up to this long: results arrive in another order every time.
  std::chrono::microseconds longest_epoch{0};
  std::atomic<int>* trainings = nullptr;    ///< counts calls of train_network
  std::atomic<int>* test_passes = nullptr;  ///< counts calls of evaluate_network
  /// The splits of a supernet rank networks in the opposite order.
  bool splits_rank_otherwise = false;
};

/// Trains nothing: accuracies and weights are functions of network, seed and epoch, so that
/// everything around the training can be tested in milliseconds.
Training fake_training(const FakeTraining& fake = {});

}  // namespace hwnas::engine
