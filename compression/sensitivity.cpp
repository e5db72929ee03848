#include "compression/sensitivity.hpp"

#include <array>
#include <cmath>
#include <string>

#include "core/error.hpp"
#include "core/text.hpp"

namespace hwnas::compression {

namespace {

SensitivityTable empty_table(const PrecisionSpace& space) {
  return SensitivityTable(space.groups.size(), std::vector<double>(space.options.size()));
}

void require(bool present, std::string_view method, std::string_view what) {
  if (!present) throw invalid_argument("the sensitivity '{}' needs {}", method, what);
}

/// Fills a table with `difference(choice)`, where one group at a time leaves the first option.
template <typename Difference>
SensitivityTable one_at_a_time(const PrecisionSpace& space, Difference difference) {
  SensitivityTable table = empty_table(space);
  for (std::size_t g = 0; g < space.groups.size(); ++g) {
    if (space.pinned[g]) continue;
    for (std::size_t o = 1; o < space.options.size(); ++o) {
      std::vector<int> choice(space.groups.size(), 0);
      choice[g] = static_cast<int>(o);
      table[g][o] = difference(choice);
    }
  }
  return table;
}

SensitivityTable measured_loss(const PrecisionSpace& space, const SensitivityInputs& inputs) {
  require(inputs.loss != nullptr, "measured_loss", "a loss to measure");
  const double first = inputs.loss(std::vector<int>(space.groups.size(), 0));
  return one_at_a_time(space, [&](const auto& choice) { return inputs.loss(choice) - first; });
}

SensitivityTable output_distance(const PrecisionSpace& space, const SensitivityInputs& inputs) {
  require(inputs.outputs != nullptr, "output_distance", "outputs to compare");
  const std::vector<float> first = inputs.outputs(std::vector<int>(space.groups.size(), 0));
  require(!first.empty(), "output_distance", "outputs that are not empty");
  return one_at_a_time(space, [&](const auto& choice) {
    const std::vector<float> outputs = inputs.outputs(choice);
    require(outputs.size() == first.size(), "output_distance", "outputs of one batch throughout");
    double sum = 0;
    for (std::size_t i = 0; i < first.size(); ++i) {
      const double difference = outputs[i] - first[i];
      sum += difference * difference;
    }
    return sum / static_cast<double>(first.size());
  });
}

/// FFᵀ, samples x samples: ‖FⱼᵀFᵢ‖² is the inner product of two of them, so that the far larger
/// features x features matrices are never made.
std::vector<double> gram(const LayerOutputs& outputs) {
  const std::size_t samples = outputs.samples;
  require(samples > 0 && outputs.values.size() % samples == 0, "orthogonality",
          "outputs of every layer with weights, samples x features");
  const std::size_t features = outputs.values.size() / samples;
  std::vector<double> result(samples * samples);
  for (std::size_t a = 0; a < samples; ++a) {
    for (std::size_t b = a; b < samples; ++b) {
      double sum = 0;
      for (std::size_t i = 0; i < features; ++i) {
        sum += double{outputs.values[a * features + i]} * outputs.values[b * features + i];
      }
      result[a * samples + b] = result[b * samples + a] = sum;
    }
  }
  return result;
}

double inner_product(const std::vector<double>& a, const std::vector<double>& b) {
  require(a.size() == b.size(), "orthogonality", "outputs of one batch throughout");
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

double similarity(const std::vector<double>& a, const std::vector<double>& b) {
  const double norms = std::sqrt(inner_product(a, a) * inner_product(b, b));
  return norms > 0 ? inner_product(a, b) / norms : 0;
}

SensitivityTable ompq(const PrecisionSpace& space, const SensitivityInputs& inputs) {
  require(inputs.layer_outputs.size() == space.network.layers.size(), "orthogonality",
          "outputs of the layers");
  std::vector<std::pair<std::size_t, std::vector<double>>> grams;  // group and layer's gram
  for (std::size_t g = 0; g < space.groups.size(); ++g) {
    for (const int layer : space.groups[g])
      grams.emplace_back(g, gram(inputs.layer_outputs[layer]));
  }
  SensitivityTable table = empty_table(space);
  for (std::size_t i = 0; i < grams.size(); ++i) {
    double gamma = 0;
    for (std::size_t j = 0; j < grams.size(); ++j) {
      if (j != i) gamma += similarity(grams[i].second, grams[j].second);
    }
    const double importance = std::exp(-10 * gamma);
    for (std::size_t o = 0; o < space.options.size(); ++o) {
      const ir::Precision precision = space.options[o].precision();
      table[grams[i].first][o] -=
          importance * (precision.weight_bits + precision.activation_bits) / 2.0;
    }
  }
  return table;
}

/// Fills a table with `cost(layer, rounding errors)` for every layer and option.
template <typename Cost>
SensitivityTable of_rounding_errors(const PrecisionSpace& space, const SensitivityInputs& inputs,
                                    std::string_view method, Cost cost) {
  require(inputs.weights != nullptr, method, "the weights");
  SensitivityTable table = empty_table(space);
  for (std::size_t g = 0; g < space.groups.size(); ++g) {
    for (const int index : space.groups[g]) {
      const ir::Layer& layer = space.network.layers[index];
      const auto found = inputs.weights->layers.find(layer.name);
      require(found != inputs.weights->layers.end(), method,
              fmt::format("weights of '{}'", layer.name));
      for (std::size_t o = 0; o < space.options.size(); ++o) {
        table[g][o] += cost(index, rounding_errors(layer, found->second, space.options[o].format));
      }
    }
  }
  return table;
}

SensitivityTable hessian(const PrecisionSpace& space, const SensitivityInputs& inputs) {
  require(inputs.hessian_traces.size() == space.network.layers.size(), "hessian",
          "a Hessian trace for every layer");
  return of_rounding_errors(space, inputs, "hessian", [&](int layer, const auto& errors) {
    double squares = 0;
    for (const double error : errors) squares += error * error;
    return inputs.hessian_traces[layer] / static_cast<double>(errors.size()) * squares;
  });
}

SensitivityTable fisher(const PrecisionSpace& space, const SensitivityInputs& inputs) {
  require(inputs.fisher_diagonals.size() == space.network.layers.size(), "fisher",
          "Fisher information for every layer");
  return of_rounding_errors(space, inputs, "fisher", [&](int layer, const auto& errors) {
    const std::vector<double>& diagonal = inputs.fisher_diagonals[layer];
    require(diagonal.size() == errors.size(), "fisher", "Fisher information for every weight");
    double sum = 0;
    for (std::size_t i = 0; i < errors.size(); ++i) sum += diagonal[i] * errors[i] * errors[i];
    return 0.5 * sum;
  });
}

constexpr std::array<SensitivityInfo, 5> kSensitivities = {{
    {"measured_loss", "loss with one group at fewer bits", measured_loss},
    {"output_distance", "distance of the outputs with one group at fewer bits", output_distance},
    {"orthogonality", "similarity of layer outputs (OMPQ); no labels, one float batch", ompq},
    {"hessian", "Hessian trace times rounding error (HAWQ-V3)", hessian},
    {"fisher", "Fisher information times rounding error", fisher},
}};

}  // namespace

std::span<const SensitivityInfo> sensitivities() {
  return kSensitivities;
}

SensitivityTable measure_sensitivity(std::string_view name, const PrecisionSpace& space,
                                     const SensitivityInputs& inputs) {
  std::vector<std::string> names;
  for (const SensitivityInfo& info : kSensitivities) {
    if (info.name == name) return info.measure(space, inputs);
    names.emplace_back(info.name);
  }
  throw error(ErrorCode::kNotFound, "no sensitivity '{}'; there are: {}{}", name,
              fmt::join(names, ", "), did_you_mean(name, names));
}

std::vector<double> rounding_errors(const ir::Layer& layer, const ir::LayerWeights& weights,
                                    ir::WeightFormat format) {
  ir::LayerScales scales;
  scales.format = format;
  fit_weight_scales(layer, weights, scales);
  const std::vector<std::int8_t> rounded = rounded_weights(weights, scales);
  const std::size_t weights_a_scale = rounded.size() / scales.weight.size();
  std::vector<double> errors(rounded.size());
  for (std::size_t i = 0; i < errors.size(); ++i) {
    errors[i] = double{scales.weight[i / weights_a_scale]} * rounded[i] - weights.weight.values[i];
  }
  return errors;
}

double orthogonality(const LayerOutputs& a, const LayerOutputs& b) {
  return similarity(gram(a), gram(b));
}

}  // namespace hwnas::compression
