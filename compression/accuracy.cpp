#include "compression/accuracy.hpp"

#include <algorithm>
#include <atomic>
#include <thread>

#include "compression/integer_executor.hpp"

namespace hwnas::compression {

std::vector<float> network_input(const data::Dataset& dataset, std::size_t sample,
                                 const data::Normalisation& normalisation) {
  const auto elements = static_cast<std::size_t>(dataset.shape.elements());
  const std::size_t per_channel = elements / dataset.shape.channels;
  std::vector<float> input(elements);
  for (std::size_t i = 0; i < elements; ++i) {
    const float raw = dataset.is_bytes()
                          ? static_cast<float>(dataset.bytes[sample * elements + i]) / 255.0F
                          : dataset.floats[sample * elements + i];
    const std::size_t channel = i / per_channel;
    input[i] = normalisation.mean.empty()
                   ? raw
                   : (raw - normalisation.mean[channel]) / normalisation.std_dev[channel];
  }
  return input;
}

double top1(const ir::QuantizedNetwork& network, ir::Arithmetic arithmetic,
            const data::Dataset& dataset, std::span<const std::size_t> samples,
            const data::Normalisation& normalisation, int threads) {
  const IntegerExecutor executor(network, arithmetic);
  std::atomic<std::size_t> next{0};
  std::atomic<std::size_t> right{0};
  const auto work = [&] {
    for (std::size_t i = next++; i < samples.size(); i = next++) {
      const std::vector<float> input = network_input(dataset, samples[i], normalisation);
      const std::vector<std::int32_t> output =
          executor.run(ir::quantize(network.input_quantization, input));
      const auto predicted = std::ranges::max_element(output) - output.begin();
      right += predicted == dataset.labels[samples[i]] ? 1 : 0;
    }
  };
  {
    std::vector<std::jthread> workers;
    for (int i = 1; i < threads; ++i) workers.emplace_back(work);
    work();
  }
  return samples.empty() ? 0
                         : 100.0 * static_cast<double>(right) / static_cast<double>(samples.size());
}

}  // namespace hwnas::compression
