#include <algorithm>
#include <cstring>
#include <utility>

#include "core/error.hpp"
#include "ir/overloaded.hpp"
#include "nn/module_torch.hpp"
#include "nn/operators_torch.hpp"

namespace hwnas::nn {
namespace {

using torch::Tensor;

std::optional<FusedActivation> fusable(const ir::Operator& op) {
  const auto* activation = std::get_if<ir::Activation>(&op);
  if (activation == nullptr) return std::nullopt;
  switch (activation->kind) {
    case ir::ActivationKind::kRelu:
      return FusedActivation::kRelu;
    case ir::ActivationKind::kRelu6:
      return FusedActivation::kRelu6;
    case ir::ActivationKind::kHardSwish:
      return FusedActivation::kHardSwish;
    default:
      return std::nullopt;
  }
}

/// For each layer, the layers that read it.
std::vector<std::vector<int>> readers_of(const ir::Network& network) {
  std::vector<std::vector<int>> readers(network.layers.size());
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    for (const int input : network.layers[i].inputs) {
      if (input != ir::kNetworkInput) readers[input].push_back(static_cast<int>(i));
    }
  }
  return readers;
}

/// A convolution's weight O x I x kh x kw over a flat slice, stored channels-last.
Tensor channels_last_view(const Tensor& flat, const std::vector<std::int64_t>& shape) {
  return flat.view({shape[0], shape[2], shape[3], shape[1]}).permute({0, 3, 1, 2});
}

ir::Array to_array(const Tensor& tensor) {
  const Tensor dense = tensor.detach().cpu().contiguous();
  const auto* values = dense.data_ptr<float>();
  return {dense.sizes().vec(), {values, values + dense.numel()}};
}

void copy_into(Tensor& tensor, const ir::Array& array) {
  const torch::NoGradGuard no_grad;
  tensor.copy_(
      torch::from_blob(const_cast<float*>(array.values.data()), array.shape, torch::kFloat));
}

}  // namespace

NetworkModule::NetworkModule(const ir::Network& network, torch::Device device)
    : network_(network), shapes_(ir::infer_shapes(network)), device_(device) {
  allocate_parameters();
  plan_steps();
  note_last_uses();
}

void NetworkModule::allocate_parameters() {
  const auto options = torch::TensorOptions(torch::kFloat).device(device_);
  const std::int64_t total = ir::parameters(network_);
  flat_parameters_ = torch::zeros({total}, options);
  flat_gradients_ = torch::zeros({total}, options);
  decay_mask_ = torch::zeros({total}, options);
  parameters_.resize(network_.layers.size());

  std::int64_t used = 0;
  const auto take = [&](const std::vector<std::int64_t>& shape, bool decays) {
    std::int64_t count = 1;
    for (const auto extent : shape) count *= extent;
    const auto view = [&](const Tensor& flat) {
      const Tensor slice = flat.narrow(0, used, count);
      return shape.size() == 4 ? channels_last_view(slice, shape) : slice.view(shape);
    };
    Tensor parameter = view(flat_parameters_).detach().requires_grad_(true);
    parameter.mutable_grad() = view(flat_gradients_);
    if (decays) decay_mask_.narrow(0, used, count).fill_(1);
    used += count;
    return parameter;
  };

  for (std::size_t i = 0; i < network_.layers.size(); ++i) {
    const ir::Layer& layer = network_.layers[i];
    const ir::Shape in = ir::input_shape(network_, shapes_, static_cast<int>(i));
    Parameters& own = parameters_[i];
    if (const auto* conv = std::get_if<ir::Conv2d>(&layer.op)) {
      own.weight = take({conv->out_channels, in.channels / conv->groups, conv->window.kernel_height,
                         conv->window.kernel_width},
                        true);
      if (conv->bias) own.bias = take({conv->out_channels}, false);
    } else if (const auto* linear = std::get_if<ir::Linear>(&layer.op)) {
      own.weight = take({linear->out_features, in.channels}, true);
      if (linear->bias) own.bias = take({linear->out_features}, false);
    } else if (std::holds_alternative<ir::BatchNorm>(layer.op)) {
      own.weight = take({in.channels}, false);
      own.bias = take({in.channels}, false);
      own.running_mean = torch::zeros({in.channels}, options);
      own.running_var = torch::ones({in.channels}, options);
    }
  }
}

void NetworkModule::plan_steps() {
  const auto readers = readers_of(network_);
  const auto& layers = network_.layers;
  std::vector<bool> fused(layers.size(), false);
  // The only reader of a layer, if there is just one.
  const auto only_reader = [&](int layer) {
    return readers[layer].size() == 1 ? std::optional(readers[layer][0]) : std::nullopt;
  };
  const auto fuse_activation = [&](Step& step) {
    const auto reader = only_reader(step.output);
    if (!reader) return;
    const auto activation = fusable(layers[*reader].op);
    if (!activation || (step.residual && *activation == FusedActivation::kHardSwish)) return;
    step.activation = *activation;
    step.output = *reader;
    fused[*reader] = true;
  };
  for (int i = 0; i < static_cast<int>(layers.size()); ++i) {
    if (fused[i]) continue;
    Step step{.layer = i, .inputs = layers[i].inputs, .output = i};
    if (std::holds_alternative<ir::BatchNorm>(layers[i].op)) {
      const auto reader = only_reader(i);
      if (reader && std::holds_alternative<ir::Add>(layers[*reader].op) &&
          layers[*reader].inputs.size() == 2) {
        const auto& terms = layers[*reader].inputs;
        const int other = terms[0] == i ? terms[1] : terms[0];
        // The other term must have been computed by now, and not be this very layer.
        if (other < i && other != ir::kNetworkInput && !fused[*reader]) {
          step.residual = other;
          step.output = *reader;
          fused[*reader] = true;
        }
      }
      fuse_activation(step);
    }
    steps_.push_back(std::move(step));
  }
}

void NetworkModule::note_last_uses() {
  std::vector<std::optional<std::size_t>> last(network_.layers.size());
  for (std::size_t s = 0; s < steps_.size(); ++s) {
    const Step& step = steps_[s];
    for (const int input : step.inputs) {
      if (input != ir::kNetworkInput) last[input] = s;
    }
    if (step.residual) last[*step.residual] = s;
  }
  for (std::size_t layer = 0; layer < last.size(); ++layer) {
    if (!last[layer]) continue;
    Step& step = steps_[*last[layer]];
    step.last_uses.push_back(static_cast<int>(layer));
    const bool is_fresh = std::holds_alternative<ir::Conv2d>(network_.layers[layer].op);
    step.owns_input |= is_fresh && step.inputs.front() == static_cast<int>(layer) &&
                       step.residual != static_cast<int>(layer);
  }
}

Tensor NetworkModule::run(const Step& step, const std::vector<Tensor>& values,
                          const Tensor& batch) {
  const auto input = [&](std::size_t position) -> const Tensor& {
    const int index = step.inputs[position];
    return index == ir::kNetworkInput ? batch : values[index];
  };
  const Tensor& x = input(0);
  Parameters& own = parameters_[step.layer];
  const auto weight = [&] {
    return hooks_.weight ? hooks_.weight(step.layer, own.weight) : own.weight;
  };
  return std::visit(
      ir::overloaded{
          [&](const ir::Conv2d& conv) { return run_conv2d(conv, x, weight(), own.bias); },
          [&](const ir::Linear&) {
            return torch::linear(x.flatten(1).to(torch::kFloat), weight(), own.bias);
          },
          [&](const ir::BatchNorm& norm) {
            BatchNormState state{own.weight, own.bias, own.running_mean, own.running_var,
                                 norm.epsilon};
            return batch_norm_act(x, state, step.activation,
                                  step.residual ? values[*step.residual] : Tensor(), is_training(),
                                  step.owns_input);
          },
          [&](const ir::Activation& activation) {
            return hooks_.activation ? hooks_.activation(step.layer, activation.kind, x)
                                     : run_activation(activation.kind, x);
          },
          [&](const ir::Add&) {
            Tensor sum = x + input(1);
            for (std::size_t i = 2; i < step.inputs.size(); ++i) sum = sum + input(i);
            return sum;
          },
          [&](const ir::Mul&) { return x * input(1).to(x.scalar_type()); },
          [&](const ir::Concat&) {
            std::vector<Tensor> parts;
            for (std::size_t i = 0; i < step.inputs.size(); ++i) parts.push_back(input(i));
            return torch::cat(parts, 1);
          },
          [&](const ir::Pool& pool) { return run_pool(pool, x); },
          [&](const ir::GlobalAveragePool&) {
            // In float: a sum of hundreds of bfloat16 keeps 8 bits.
            return torch::adaptive_avg_pool2d(x.to(torch::kFloat), {1, 1});
          },
          [&](const ir::Flatten&) { return x.flatten(1).unsqueeze(-1).unsqueeze(-1); },
          [&](const ir::Softmax&) { return torch::softmax(x, 1); },
          [&](const ir::Pad& pad) { return run_pad(pad.padding, x); },
          [&](const ir::Zero&) {
            const ir::Shape& shape = shapes_[step.layer];
            return torch::zeros({x.size(0), shape.channels, shape.height, shape.width},
                                x.options());
          },
      },
      network_.layers[step.layer].op);
}

Tensor NetworkModule::forward(const Tensor& batch) {
  const Tensor input = hooks_.input ? hooks_.input(batch) : batch;
  std::vector<Tensor> values(network_.layers.size());
  for (const Step& step : steps_) {
    Tensor& value = values[step.output];
    value = run(step, values, input);
    const bool is_activation =
        std::holds_alternative<ir::Activation>(network_.layers[step.layer].op);
    if (hooks_.output && !is_activation) value = hooks_.output(step.output, value);
    for (const int dead : step.last_uses) values[dead] = Tensor();
  }
  return values.back().flatten(1).to(torch::kFloat);
}

void NetworkModule::recalibrate_batch_norms(const std::vector<Tensor>& batches) {
  const torch::NoGradGuard no_grad;
  const bool was_training = is_training();
  train();
  std::vector<std::pair<Tensor, Tensor>> sums(parameters_.size());
  for (const Tensor& batch : batches) {
    // From zero, one step of the running average is the batch's own value times the momentum.
    for (Parameters& own : parameters_) {
      if (own.running_mean.defined()) own.running_mean.zero_(), own.running_var.zero_();
    }
    forward(batch);
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
      const Parameters& own = parameters_[i];
      if (!own.running_mean.defined()) continue;
      auto& [mean, variance] = sums[i];
      mean = mean.defined() ? mean + own.running_mean : own.running_mean.clone();
      variance = variance.defined() ? variance + own.running_var : own.running_var.clone();
    }
  }
  const double scale = 1 / (kBatchNormMomentum * static_cast<double>(batches.size()));
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    if (!sums[i].first.defined()) continue;
    parameters_[i].running_mean.copy_(sums[i].first * scale);
    parameters_[i].running_var.copy_(sums[i].second * scale);
  }
  train(was_training);
}

void NetworkModule::load(const ir::Weights& weights) {
  ir::verify(network_, weights);
  for (std::size_t i = 0; i < network_.layers.size(); ++i) {
    Parameters& own = parameters_[i];
    if (!own.weight.defined()) continue;
    const ir::LayerWeights& from = weights.layers.at(network_.layers[i].name);
    copy_into(own.weight, from.weight);
    if (own.bias.defined()) copy_into(own.bias, from.bias);
    if (own.running_mean.defined()) {
      copy_into(own.running_mean, from.running_mean);
      copy_into(own.running_var, from.running_var);
    }
  }
}

ir::Weights NetworkModule::save() const {
  ir::Weights weights;
  for (std::size_t i = 0; i < network_.layers.size(); ++i) {
    const Parameters& own = parameters_[i];
    if (!own.weight.defined()) continue;
    ir::LayerWeights& to = weights.layers[network_.layers[i].name];
    to.weight = to_array(own.weight);
    if (own.bias.defined()) to.bias = to_array(own.bias);
    if (own.running_mean.defined()) {
      to.running_mean = to_array(own.running_mean);
      to.running_var = to_array(own.running_var);
    }
  }
  return weights;
}

ir::Weights NetworkModule::save_gradients() const {
  ir::Weights gradients;
  for (std::size_t i = 0; i < network_.layers.size(); ++i) {
    const Parameters& own = parameters_[i];
    if (!own.weight.defined()) continue;
    ir::LayerWeights& to = gradients.layers[network_.layers[i].name];
    to.weight = to_array(own.weight.grad());
    if (own.bias.defined()) to.bias = to_array(own.bias.grad());
  }
  return gradients;
}

}  // namespace hwnas::nn
