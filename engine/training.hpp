#pragma once

#include <functional>

#include "estimators/measure.hpp"
#include "train/trainer.hpp"

namespace hwnas::engine {

/// What the engine asks of train/: LibTorch in the programs, something quick in tests. With this
/// seam nothing else in the engine needs LibTorch at run time. Functions with the contracts of
/// their namesakes in train/; all thread-safe.
struct Training {
  std::function<void(int workers, int threads)> set_worker_threads;
  std::function<train::TrainResult(const ir::Network&, const train::TrainData&,
                                   const train::TrainOptions&, std::uint64_t seed,
                                   const train::EpochCallback&, std::stop_token)>
      train_network;
  std::function<train::Evaluation(const ir::Network&, const ir::Weights&, const data::Dataset&,
                                  std::span<const std::size_t> samples, const data::Normalisation&,
                                  const train::TrainOptions&)>
      evaluate_network;
  std::function<estimators::LatencyMeasurement(const ir::Network&, const ir::Weights&, int threads)>
      measure_network_latency;
};

Training libtorch_training();

}  // namespace hwnas::engine
