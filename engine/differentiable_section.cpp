#include "engine/differentiable_section.hpp"

namespace hwnas::engine {

DifferentiableSection DifferentiableSection::from_config(const Config& config) {
  config.require_known_keys(
      {"steps", "paths", "samples", "batch_size", "learning_rate", "hardware_weight", "entropy"});
  const auto count_or = [&](std::string_view key, int fallback, int least) {
    return static_cast<int>(config.int_or(key, fallback, least, 1'000'000));
  };
  const DifferentiableSection defaults;
  return {.steps = count_or("steps", defaults.steps, 1),
          .paths = count_or("paths", defaults.paths, 2),
          .samples = count_or("samples", defaults.samples, 2),
          .batch_size = count_or("batch_size", defaults.batch_size, 1),
          .learning_rate = config.double_or("learning_rate", defaults.learning_rate, 1e-6, 100),
          .hardware_weight = config.double_or("hardware_weight", defaults.hardware_weight, 0, 1e6),
          .entropy = config.double_or("entropy", defaults.entropy, 0, 1e6)};
}

}  // namespace hwnas::engine
