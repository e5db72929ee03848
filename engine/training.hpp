#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "estimators/measure.hpp"
#include "train/quantized_training.hpp"
#include "train/sensitivity.hpp"
#include "train/supernet.hpp"

namespace hwnas::engine {

/// What the engine asks of train/: LibTorch in the programs, something quick in tests. With this
/// seam nothing else in the engine needs LibTorch at run time. Functions with the contracts of
/// their namesakes in train/; all thread-safe.
struct Training {
  std::function<void(int workers, int threads)> set_worker_threads;
  std::function<train::TrainResult(
      const ir::Network&, const train::TrainData&, const train::TrainOptions&, std::uint64_t seed,
      const train::TrainStart&, const train::EpochCallback&, std::stop_token)>
      train_network;
  std::function<std::unique_ptr<train::OneShotSupernet>(
      const spaces::SearchSpace&, const train::TrainData&, const train::SupernetOptions&,
      std::uint64_t seed)>
      make_supernet;
  std::function<train::Evaluation(const ir::Network&, const ir::Weights&, const data::Dataset&,
                                  std::span<const std::size_t> samples, const data::Normalisation&,
                                  const train::TrainOptions&)>
      evaluate_network;
  std::function<estimators::LatencyMeasurement(const ir::Network&, const ir::Weights&, int threads)>
      measure_network_latency;
  std::function<train::QuantizedTrainResult(const ir::FoldedNetwork&,
                                            const ir::NetworkScales& start, const train::TrainData&,
                                            const train::QuantizedTrainOptions&, std::uint64_t seed,
                                            const train::EpochCallback&, std::stop_token)>
      train_quantized;
  std::function<std::vector<double>(const ir::FoldedNetwork&, const train::SensitivityData&,
                                    const train::SensitivityOptions&, std::uint64_t seed)>
      hessian_traces;
  std::function<std::vector<std::vector<double>>(
      const ir::FoldedNetwork&, const train::SensitivityData&, const train::SensitivityOptions&)>
      fisher_diagonals;
};

Training libtorch_training();

}  // namespace hwnas::engine
