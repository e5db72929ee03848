#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>
#include <variant>

#include "compression/fixed_point_functions.hpp"
#include "compression/hard_sigmoid.hpp"
#include "compression/integer_kernel.hpp"
#include "compression/requantization.hpp"
#include "core/error.hpp"

namespace hwnas::compression {

namespace {

using Inputs = std::span<const std::span<const std::int16_t>>;
using Output = std::span<std::int16_t>;

bool in_float(const ir::Arithmetic& arithmetic) {
  return arithmetic.requantization == ir::Requantization::kFloatRne ||
         arithmetic.requantization == ir::Requantization::kFloatTrunc;
}

std::int16_t clamped(std::int32_t value, const ir::IntegerRange& range) {
  return static_cast<std::int16_t>(std::clamp(value, range.lowest, range.highest));
}

/// Both inputs are brought to twice the larger scale with 20 (of 16 bits: 15) bits to spare.
class FixedPointAddition final : public IntegerKernel {
 public:
  explicit FixedPointAddition(const KernelSpec& spec)
      : once_(spec.arithmetic.requantization == ir::Requantization::kTflSingle),
        spare_bits_(spec.layer.output.bits == 16 ? 15 : 20),
        first_zero_point_(spec.inputs[0].zero_point),
        second_zero_point_(spec.inputs[1].zero_point),
        zero_point_(spec.layer.output.zero_point),
        range_(ir::output_range(spec.layer)) {
    const double common = 2.0 * std::max(spec.inputs[0].scale, spec.inputs[1].scale);
    first_ = fixed_point_factor(spec.inputs[0].scale / common);
    second_ = fixed_point_factor(spec.inputs[1].scale / common);
    const double factor = common / (std::ldexp(1.0, spare_bits_) * spec.layer.output.scale);
    if (factor >= 1) {
      throw invalid_argument(
          "layer '{}': its output scale {} is too small beside those of its "
          "inputs, {} and {}",
          spec.layer.name, spec.layer.output.scale, spec.inputs[0].scale, spec.inputs[1].scale);
    }
    output_ = fixed_point_factor(factor);
  }

  void run(Inputs inputs, Output output) const override {
    const std::int32_t unit = 1 << spare_bits_;
    for (std::size_t i = 0; i < output.size(); ++i) {
      const std::int32_t sum = multiply((inputs[0][i] - first_zero_point_) * unit, first_) +
                               multiply((inputs[1][i] - second_zero_point_) * unit, second_);
      output[i] = clamped(multiply(sum, output_) + zero_point_, range_);
    }
  }

 private:
  std::int32_t multiply(std::int32_t x, const FixedPointFactor& factor) const {
    return once_ ? multiply_rounding_once(x, factor) : multiply_rounding_twice(x, factor);
  }

  bool once_;
  int spare_bits_;
  std::int32_t first_zero_point_;
  std::int32_t second_zero_point_;
  std::int32_t zero_point_;
  ir::IntegerRange range_;
  FixedPointFactor first_;
  FixedPointFactor second_;
  FixedPointFactor output_;
};

class FloatAddition final : public IntegerKernel {
 public:
  explicit FloatAddition(const KernelSpec& spec)
      : first_(spec.inputs[0].scale / spec.layer.output.scale),
        second_(spec.inputs[1].scale / spec.layer.output.scale),
        constant_(static_cast<float>(spec.layer.output.zero_point) -
                  (first_ * static_cast<float>(spec.inputs[0].zero_point) +
                   second_ * static_cast<float>(spec.inputs[1].zero_point))),
        range_(ir::output_range(spec.layer)) {}

  void run(Inputs inputs, Output output) const override {
    for (std::size_t i = 0; i < output.size(); ++i) {
      const float sum = constant_ + first_ * static_cast<float>(inputs[0][i]) +
                        second_ * static_cast<float>(inputs[1][i]);
      output[i] = clamped(round_half_even(sum), range_);
    }
  }

 private:
  float first_;
  float second_;
  float constant_;
  ir::IntegerRange range_;
};

/// The second input may be one value a channel.
class Multiplication final : public IntegerKernel {
 public:
  explicit Multiplication(const KernelSpec& spec)
      : requantizer_(make_requantizer(spec)),
        first_zero_point_(spec.inputs[0].zero_point),
        second_zero_point_(spec.inputs[1].zero_point) {}

  void run(Inputs inputs, Output output) const override {
    const std::size_t period = inputs[1].size();
    for (std::size_t start = 0; start < output.size(); start += period) {
      for (std::size_t i = 0; i < period; ++i) {
        const std::int32_t product =
            (inputs[0][start + i] - first_zero_point_) * (inputs[1][i] - second_zero_point_);
        output[start + i] = requantizer_(product, 0);
      }
    }
  }

 private:
  static Requantizer make_requantizer(const KernelSpec& spec) {
    const float second[] = {spec.inputs[1].scale};
    return {spec.arithmetic.requantization,
            spec.inputs[0].scale,
            second,
            spec.layer.output,
            ir::output_range(spec.layer),
            true};
  }

  Requantizer requantizer_;
  std::int32_t first_zero_point_;
  std::int32_t second_zero_point_;
};

class TableLookup final : public IntegerKernel {
 public:
  explicit TableLookup(const Table& table) : table_(table) {}

  void run(Inputs inputs, Output output) const override {
    std::transform(inputs[0].begin(), inputs[0].end(), output.begin(),
                   [this](std::int16_t q) { return table_[q + 128]; });
  }

 private:
  Table table_;
};

class Softmax final : public IntegerKernel {
 public:
  Softmax(const ir::Quantization& input, bool exact) : input_(input), exact_(exact) {}

  void run(Inputs inputs, Output output) const override {
    if (!exact_) {
      fixed_point_softmax(input_.scale, inputs[0], output);
      return;
    }
    const std::int16_t largest = *std::max_element(inputs[0].begin(), inputs[0].end());
    const auto exponential = [&](std::int16_t q) {
      return std::exp(input_.scale * static_cast<float>(q - largest));
    };
    float sum = 0;
    for (const std::int16_t q : inputs[0]) sum += exponential(q);
    for (std::size_t i = 0; i < output.size(); ++i) {
      const float share = exponential(inputs[0][i]) / sum;
      output[i] = clamped(round_half_even(share / ir::kUnitRange.scale) - 128, {-128, 127});
    }
  }

 private:
  ir::Quantization input_;
  bool exact_;  ///< in float
};

float activation_of(ir::ActivationKind kind, float x) {
  const float gate = std::clamp(x + 3, 0.0F, 6.0F) / 6;
  switch (kind) {
    case ir::ActivationKind::kRelu:
      return std::max(x, 0.0F);
    case ir::ActivationKind::kRelu6:
      return std::clamp(x, 0.0F, 6.0F);
    case ir::ActivationKind::kHardSwish:
      return x * gate;
    case ir::ActivationKind::kHardSigmoid:
      return gate;
    case ir::ActivationKind::kSigmoid:
      return 1 / (1 + std::exp(-x));
  }
  return x;
}

Table float_table(ir::ActivationKind kind, const ir::Quantization& in,
                  const ir::Quantization& out) {
  Table table{};
  for (int q = -128; q < 128; ++q) {
    const float y = activation_of(kind, in.scale * static_cast<float>(q - in.zero_point));
    table[q + 128] = clamped(round_half_even(y / out.scale) + out.zero_point, {-128, 127});
  }
  return table;
}

Table table_of(const KernelSpec& spec, ir::ActivationKind kind) {
  const ir::Quantization& in = spec.inputs.front();
  const ir::Quantization& out = spec.layer.output;
  if (in_float(spec.arithmetic)) return float_table(kind, in, out);
  switch (kind) {
    case ir::ActivationKind::kSigmoid:
      return fixed_point_sigmoid(in);
    case ir::ActivationKind::kHardSwish:
      return fixed_point_hard_swish(in, out);
    default:
      return fixed_point_relu(in, out, kind == ir::ActivationKind::kRelu6,
                              spec.arithmetic.requantization);
  }
}

std::unique_ptr<IntegerKernel> hard_sigmoid(const KernelSpec& spec) {
  const ir::QuantizedLayer convolution = hard_sigmoid_convolution(
      spec.layer, spec.inputs.front(), spec.output_shape.channels);
  return make_convolution({.layer = convolution,
                           .input_shapes = spec.input_shapes,
                           .inputs = spec.inputs,
                           .output_shape = spec.output_shape,
                           .arithmetic = spec.arithmetic});
}

}  // namespace

std::unique_ptr<IntegerKernel> make_elementwise(const KernelSpec& spec) {
  const ir::Operator& op = spec.layer.op;
  const bool exact = in_float(spec.arithmetic);
  if (std::holds_alternative<ir::Mul>(op)) return std::make_unique<Multiplication>(spec);
  if (std::holds_alternative<ir::Add>(op)) {
    if (exact) return std::make_unique<FloatAddition>(spec);
    return std::make_unique<FixedPointAddition>(spec);
  }
  if (spec.inputs.front().bits == 16) {
    throw invalid_argument("layer '{}' ({}): there is no kernel for activations of 16 bits",
                           spec.layer.name, ir::operator_name(op));
  }
  if (const auto* const activation = std::get_if<ir::Activation>(&op)) {
    if (activation->kind == ir::ActivationKind::kHardSigmoid && !exact) return hard_sigmoid(spec);
    return std::make_unique<TableLookup>(table_of(spec, activation->kind));
  }
  return std::make_unique<Softmax>(spec.inputs.front(), exact);
}

}  // namespace hwnas::compression
