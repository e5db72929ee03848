#include "engine/pipeline.hpp"
#include "engine/training.hpp"
#include "train/latency.hpp"

namespace hwnas::engine {

Training libtorch_training() {
  return {
      .set_worker_threads = train::set_worker_threads,
      .train_network = train::train_network,
      .make_supernet = train::make_supernet,
      .evaluate_network =
          [](const ir::Network& network, const ir::Weights& weights, const data::Dataset& dataset,
             std::span<const std::size_t> samples, const data::Normalisation& normalisation,
             const train::TrainOptions& options) {
            return train::evaluate_network(network, weights, dataset, samples, normalisation,
                                           options.device, options.threads);
          },
      .measure_network_latency =
          [](const ir::Network& network, const ir::Weights& weights, int threads) {
            return train::measure_network_latency(network, weights, threads);
          },
      .train_quantized = train::train_quantized,
      .hessian_traces = train::hessian_traces,
      .fisher_diagonals = train::fisher_diagonals,
  };
}

RunResult start_run(const Experiment& experiment, const RunOptions& options) {
  return start_run(experiment, options, libtorch_training());
}

RunResult resume_run(const RunOptions& options) {
  return resume_run(options, libtorch_training());
}

}  // namespace hwnas::engine
