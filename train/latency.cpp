#include "train/latency.hpp"

#include <ATen/Parallel.h>
#include <torch/torch.h>

#include "nn/module_torch.hpp"

namespace hwnas::train {

estimators::LatencyMeasurement measure_network_latency(const ir::Network& network,
                                                       const ir::Weights& weights, int threads,
                                                       const estimators::MeasureOptions& options) {
  at::set_num_threads(threads);
  const ir::FoldedNetwork folded = ir::fold_batch_norm(network, weights);
  nn::NetworkModule module(folded.network, torch::kCPU);
  module.load(folded.weights);
  module.eval();
  const torch::NoGradGuard no_grad;
  const ir::Shape& in = network.input;
  const torch::Tensor input = torch::zeros({1, in.channels, in.height, in.width})
                                  .contiguous(at::MemoryFormat::ChannelsLast);
  return estimators::measure_latency([&] { module.forward(input); }, options);
}

}  // namespace hwnas::train
