#include "compression/integer_executor.hpp"

#include <variant>

#include "compression/integer_kernel.hpp"
#include "core/error.hpp"

namespace hwnas::compression {

namespace {

template <typename... Ops>
bool is_any(const ir::Operator& op) {
  return (std::holds_alternative<Ops>(op) || ...);
}

std::unique_ptr<IntegerKernel> make_kernel(const KernelSpec& spec) {
  if (is_any<ir::Conv2d, ir::Linear>(spec.layer.op)) return make_convolution(spec);
  if (is_any<ir::Add, ir::Mul, ir::Activation, ir::Softmax>(spec.layer.op)) {
    return make_elementwise(spec);
  }
  return make_movement(spec);
}

/// From channels x height x width to height x width x channels.
std::vector<std::int16_t> channels_last(const ir::Shape& shape,
                                        std::span<const std::int32_t> values) {
  std::vector<std::int16_t> result(values.size());
  const std::size_t pixels = static_cast<std::size_t>(shape.height) * shape.width;
  for (int c = 0; c < shape.channels; ++c) {
    for (std::size_t p = 0; p < pixels; ++p) {
      result[p * shape.channels + c] = static_cast<std::int16_t>(values[c * pixels + p]);
    }
  }
  return result;
}

std::vector<std::int32_t> channels_first(const ir::Shape& shape,
                                         std::span<const std::int16_t> values) {
  std::vector<std::int32_t> result(values.size());
  const std::size_t pixels = static_cast<std::size_t>(shape.height) * shape.width;
  for (int c = 0; c < shape.channels; ++c) {
    for (std::size_t p = 0; p < pixels; ++p) {
      result[c * pixels + p] = values[p * shape.channels + c];
    }
  }
  return result;
}

}  // namespace

struct IntegerExecutor::Plan {
  ir::Shape input;
  ir::Quantization input_quantization;
  std::vector<std::vector<int>> inputs;  ///< of each layer
  std::vector<ir::Shape> shapes;
  std::vector<std::unique_ptr<IntegerKernel>> kernels;
};

IntegerExecutor::IntegerExecutor(const ir::QuantizedNetwork& network, ir::Arithmetic arithmetic) {
  ir::verify(network);
  auto plan = std::make_unique<Plan>();
  plan->input = network.input;
  plan->input_quantization = network.input_quantization;
  plan->shapes = ir::infer_shapes(network);
  for (int i = 0; i < std::ssize(network.layers); ++i) {
    const ir::QuantizedLayer& layer = network.layers[i];
    KernelSpec spec{.layer = layer,
                    .input_shapes = {},
                    .inputs = {},
                    .output_shape = plan->shapes[i],
                    .arithmetic = arithmetic};
    for (int position = 0; position < std::ssize(layer.inputs); ++position) {
      const int producer = layer.inputs[position];
      spec.input_shapes.push_back(producer == ir::kNetworkInput ? network.input
                                                                : plan->shapes[producer]);
      spec.inputs.push_back(ir::input_quantization(network, i, position));
    }
    plan->inputs.push_back(layer.inputs);
    plan->kernels.push_back(make_kernel(spec));
  }
  plan_ = std::move(plan);
}

IntegerExecutor::~IntegerExecutor() = default;
IntegerExecutor::IntegerExecutor(IntegerExecutor&&) noexcept = default;
IntegerExecutor& IntegerExecutor::operator=(IntegerExecutor&&) noexcept = default;

std::vector<std::int32_t> IntegerExecutor::run(std::span<const std::int32_t> input) const {
  return run(input, {});
}

std::vector<std::int32_t> IntegerExecutor::run(std::span<const std::int32_t> input,
                                               const Observer& observer) const {
  if (std::ssize(input) != plan_->input.elements()) {
    throw invalid_argument("an input of {} values, where the network takes {}", input.size(),
                           plan_->input.elements());
  }
  for (const std::int32_t value : input) {
    if (value < plan_->input_quantization.lowest() || value > plan_->input_quantization.highest()) {
      throw invalid_argument("input value {} does not fit {} bits", value,
                             plan_->input_quantization.bits);
    }
  }
  const std::vector<std::int16_t> first = channels_last(plan_->input, input);
  std::vector<std::vector<std::int16_t>> outputs;
  outputs.reserve(plan_->kernels.size());
  std::vector<std::span<const std::int16_t>> read;
  for (std::size_t i = 0; i < plan_->kernels.size(); ++i) {
    read.clear();
    for (const int producer : plan_->inputs[i]) {
      read.emplace_back(producer == ir::kNetworkInput ? first : outputs[producer]);
    }
    outputs.emplace_back(plan_->shapes[i].elements());
    plan_->kernels[i]->run(read, outputs.back());
    if (observer) observer(static_cast<int>(i), channels_first(plan_->shapes[i], outputs.back()));
  }
  return channels_first(plan_->shapes.back(), outputs.back());
}

}  // namespace hwnas::compression
