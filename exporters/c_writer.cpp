#include "exporters/c_writer.hpp"

#include <fmt/format.h>

#include <map>
#include <numeric>

#include "compression/fixed_point_functions.hpp"
#include "compression/integer_executor.hpp"
#include "compression/requantization.hpp"
#include "core/error.hpp"
#include "exporters/c_constants.hpp"
#include "exporters/c_header.hpp"
#include "exporters/c_kernels.hpp"
#include "exporters/c_text.hpp"

namespace hwnas::exporters {

namespace {

constexpr std::size_t kColumns = 100;

constexpr std::string_view kPreamble =
    R"(/* @name@.c: an int8 neural network in C99. Written by hwnas; not meant to be edited.
 *
 * Tensors are height x width x channels. real = scale * (q - zero_point). Sums of products are
 * brought to the scale of an output by a multiplier of 31 bits and a shift (@mode@ rounding).
 */
#include "@name@.h"

#include <string.h>

)";

constexpr std::string_view kInterface =
    R"(
/* All memory that the network needs; every tensor has its place in it. */
static int8_t arena[@NAME@_ARENA_BYTES];

int8_t *@id@_input(void) {
  return arena + @input@;
}

int @id@_run(const int8_t *input, int8_t *output) {
  if (input == NULL || output == NULL) return -1;
  if (input != arena + @input@) memcpy(arena + @input@, input, @NAME@_INPUT_BYTES);
@calls@  memcpy(output, arena + @output@, @NAME@_OUTPUT_BYTES);
  return 0;
}
)";

Error refused(const ir::QuantizedLayer& layer, std::string_view reason) {
  return invalid_argument("layer '{}' ({}): the C export {}", layer.name,
                          ir::operator_name(layer.op), reason);
}

/// Names of layers as C identifiers, all different.
std::vector<std::string> layer_identifiers(const ir::QuantizedNetwork& network) {
  std::map<std::string, int> count;
  for (const ir::QuantizedLayer& layer : network.layers) ++count[c_identifier(layer.name)];
  std::vector<std::string> result;
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    std::string name = c_identifier(network.layers[i].name);
    if (count[name] > 1) name += fmt::format("__{}", i);
    result.push_back(std::move(name));
  }
  return result;
}

/// Where the elements of a flattened map lie in memory: entry c·height·width + pixel is
/// pixel·channels + c. Empty if they are in order.
std::vector<int> flattened_order(const ir::Shape& map) {
  const int pixels = map.height * map.width;
  if (pixels == 1 || map.channels == 1) return {};
  std::vector<int> order;
  for (int c = 0; c < map.channels; ++c) {
    for (int pixel = 0; pixel < pixels; ++pixel) order.push_back(pixel * map.channels + c);
  }
  return order;
}

class CWriter {
 public:
  CWriter(const Model& model, ir::Requantization mode)
      : model_(model),
        network_(*model.quantized),
        mode_(mode),
        shapes_(ir::infer_shapes(network_)),
        identifiers_(layer_identifiers(network_)),
        element_order_(network_.layers.size()) {
    plan();
  }

  CSource write() {
    for (const int layer : order_) write_layer(layer);
    if (!element_order_.back().empty()) {
      throw refused(network_.layers.back(), "cannot end in a flattened map; end in a linear layer");
    }
    const std::string id = c_identifier(model_.name);
    const std::string kernels = kernels_ + calls_;
    std::string body = fill(kPreamble, {{"name", model_.name}, {"mode", mode_name()}}) +
                       constants_.text() + "\n" + helpers(kernels) + kernels_ +
                       fill(kInterface, {{"NAME", upper_case(id)},
                                         {"id", id},
                                         {"input", std::to_string(plan_.input_offset)},
                                         {"output", std::to_string(offsets_.back())},
                                         {"calls", calls_}});
    CSource result{.source = {},
                   .header = c_header(model_, constants_.bytes(), plan_.bytes),
                   .constant_bytes = constants_.bytes(),
                   .arena_bytes = plan_.bytes};
    result.source = sealed(std::move(body), result.header, model_, mode_);
    return result;
  }

 private:
  std::string mode_name() const {
    return mode_ == ir::Requantization::kTflSingle ? "TensorFlow Lite's single"
                                                   : "TensorFlow Lite's default";
  }

  /// Offsets and order of quantized layers, from those of the network with its fused activations
  /// as layers of their own, which the planner fuses again.
  void plan() {
    const ir::Network plain = ir::as_network(network_);
    plan_ = estimators::arena_plan(plain, kCSramOptions);
    std::vector<int> layer_of;
    for (std::size_t i = 0; i < network_.layers.size(); ++i) {
      layer_of.push_back(static_cast<int>(i));
      offsets_.push_back(plan_.offsets[layer_of.size() - 1]);
      if (network_.layers[i].activation) layer_of.push_back(-1);
    }
    for (const int layer : plan_.order) {
      if (layer_of[layer] >= 0) order_.push_back(layer_of[layer]);
    }
  }

  // --- what layers read and write ------------------------------------------------------------

  const ir::QuantizedLayer& layer() const { return network_.layers[index_]; }
  int producer(int position = 0) const { return layer().inputs[position]; }
  const ir::Shape& in(int position = 0) const {
    return producer(position) == ir::kNetworkInput ? network_.input : shapes_[producer(position)];
  }
  const ir::Shape& out() const { return shapes_[index_]; }
  const ir::Quantization& quantization(int position = 0) const {
    return ir::input_quantization(network_, index_, position);
  }
  const std::vector<int>& input_order(int position = 0) const {
    static const std::vector<int> kInOrder;
    return producer(position) == ir::kNetworkInput ? kInOrder : element_order_[producer(position)];
  }
  static std::string at(std::int64_t offset) { return fmt::format("arena + {}", offset); }
  std::string x(int position = 0) const {
    return at(producer(position) == ir::kNetworkInput ? plan_.input_offset
                                                      : offsets_[producer(position)]);
  }
  std::string y() const { return at(offsets_[index_]); }
  std::string constant(std::string_view what) const {
    return fmt::format("{}_{}", identifiers_[index_], what);
  }

  // --- text ----------------------------------------------------------------------------------

  void call(const std::string& function, const std::vector<std::string>& arguments) {
    const std::string start = fmt::format("  {}(", function);
    std::string line = start;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      const std::string item = arguments[i] + (i + 1 < arguments.size() ? "," : ");");
      const bool first = line.back() == '(';
      if (line.size() + item.size() + 1 > kColumns) {
        calls_ += line + "\n";
        line = "      " + item;
      } else {
        line += (first ? "" : " ") + item;
      }
    }
    calls_ += line + "\n";
  }

  /// The name of a function with this text, which is written once.
  std::string function(const CKernel& kernel) {
    const auto found = functions_.find(kernel.text);
    if (found != functions_.end()) return found->second;
    const int number = ++stems_[kernel.stem];
    const std::string name = number == 1 ? kernel.stem : fmt::format("{}_{}", kernel.stem, number);
    functions_.emplace(kernel.text, name);
    kernels_ += "\n" + fill(kernel.text, {{"NAME", name}});
    return name;
  }

  /// Helpers that `text` calls, and those that they call.
  std::string helpers(std::string text) const {
    const std::vector<CHelper> all = c_helpers(mode_);
    std::vector<bool> used(all.size());
    for (std::size_t i = all.size(); i-- > 0;) {
      used[i] = text.find(all[i].name + "(") != std::string::npos;
      if (used[i]) {
        for (const std::string& name : all[i].calls) text += name + "(";
      }
    }
    std::string result;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (used[i]) result += (result.empty() ? "" : "\n") + all[i].text;
    }
    return result;
  }

  // --- layers --------------------------------------------------------------------------------

  void write_layer(int index) {
    index_ = index;
    const auto size = [](const ir::Shape& shape) {
      return fmt::format("{}x{}x{}", shape.height, shape.width, shape.channels);
    };
    if (!std::holds_alternative<ir::Flatten>(layer().op)) {
      calls_ += fmt::format("  /* {}: {} -> {} */\n", layer().name, size(in()), size(out()));
    }
    std::visit([this](const auto& op) { write_op(op); }, layer().op);
  }

  void write_op(const ir::Conv2d& conv) {
    if (!input_order().empty() && conv.groups != 1) require_in_order();
    write_convolution();
  }
  void write_op(const ir::Linear&) { write_convolution(); }

  void write_convolution() {
    const std::vector<std::int8_t> weights = ordered_weights(layer(), in(), input_order());
    if (layer().format == ir::WeightFormat::kInt8) {
      constants_.add(constant("weight"), std::span<const std::int8_t>(weights));
    } else {
      const std::vector<std::uint8_t> packed = packed_weights(layer().format, weights);
      constants_.add(constant("weight"), std::span<const std::uint8_t>(packed));
    }
    add_channel_constants();
    const int zero = layer().output.zero_point;
    const ir::IntegerRange range = ir::output_range(layer());
    call(function(convolution_kernel(layer(), in(), out())),
         {x(), y(), constant("weight"), constant("bias"), constant("multiplier"), constant("shift"),
          std::to_string(quantization().zero_point), std::to_string(zero),
          std::to_string(range.lowest - zero), std::to_string(range.highest - zero)});
  }

  /// Bias, multiplier and shift of each output channel.
  void add_channel_constants() {
    const int channels = out().channels;
    std::vector<std::int32_t> bias(layer().bias.begin(), layer().bias.end());
    bias.resize(channels);
    std::vector<std::int32_t> multiplier(channels);
    std::vector<std::int8_t> shift(channels);
    const bool for_all = layer().weight_scales.size() == 1;
    const float input_scale = quantization().scale;
    for (int c = 0; c < channels; ++c) {
      const float weight_scale = layer().weight_scales[for_all ? 0 : c];
      // Of fully connected layers with one scale, TensorFlow Lite rounds the product to float32.
      const bool in_float = for_all && std::holds_alternative<ir::Linear>(layer().op);
      const double product = in_float ? static_cast<double>(input_scale * weight_scale)
                                      : static_cast<double>(input_scale) * weight_scale;
      const compression::FixedPointFactor factor =
          compression::fixed_point_factor(product / layer().output.scale);
      multiplier[c] = factor.multiplier;
      shift[c] = static_cast<std::int8_t>(factor.shift);
    }
    constants_.add(constant("bias"), std::span<const std::int32_t>(bias));
    constants_.add(constant("multiplier"), std::span<const std::int32_t>(multiplier));
    constants_.add(constant("shift"), std::span<const std::int8_t>(shift));
  }

  void write_op(const ir::Activation& activation) {
    element_order_[index_] = input_order();
    if (activation.kind == ir::ActivationKind::kRelu ||
        activation.kind == ir::ActivationKind::kRelu6) {
      call(function(relu_kernel(layer(), quantization(), out().elements())), {x(), y()});
      return;
    }
    const std::vector<std::int8_t> table = activation_table();
    constants_.add(constant("table"), std::span<const std::int8_t>(table));
    call("look_up", {x(), y(), std::to_string(out().elements()), constant("table")});
  }

  /// The simulation's outputs for all 256 inputs.
  std::vector<std::int8_t> activation_table() const {
    ir::QuantizedLayer alone = layer();
    alone.inputs = {ir::kNetworkInput};
    const ir::QuantizedNetwork network{.input = {.channels = 256, .height = 1, .width = 1},
                                       .input_quantization = quantization(),
                                       .layers = {alone}};
    std::vector<std::int32_t> inputs(256);
    std::iota(inputs.begin(), inputs.end(), -128);
    const std::vector<std::int32_t> outputs =
        compression::IntegerExecutor(network, {.requantization = mode_}).run(inputs);
    return {outputs.begin(), outputs.end()};
  }

  void write_op(const ir::Add&) {
    require_same_order();
    element_order_[index_] = input_order();
    call(function(add_kernel(layer(), quantization(0), quantization(1), out().elements())),
         {x(0), x(1), y()});
  }

  void write_op(const ir::Mul&) {
    require_same_order();
    element_order_[index_] = input_order();
    const std::int64_t channels = in(1).elements();
    call(function(multiply_kernel(layer(), quantization(0), quantization(1),
                                  out().elements() / channels, channels)),
         {x(0), x(1), y()});
  }

  void write_op(const ir::Concat&) {
    const int pixels = out().height * out().width;
    int first = 0;
    bool in_order = true;
    std::vector<int> order;
    for (std::size_t i = 0; i < layer().inputs.size(); ++i) {
      const int channels = in(static_cast<int>(i)).channels;
      call("copy_rows",
           {x(static_cast<int>(i)), at(offsets_[index_] + first), std::to_string(pixels),
            std::to_string(channels), std::to_string(out().channels)});
      const std::vector<int>& part = input_order(static_cast<int>(i));
      in_order &= part.empty();
      for (int c = 0; c < channels; ++c) order.push_back(first + (part.empty() ? c : part[c]));
      first += channels;
    }
    if (!in_order) element_order_[index_] = std::move(order);
  }

  void write_op(const ir::Pool& pool) {
    require_in_order();
    call(function(pool_kernel(pool, in(), out())), {x(), y()});
  }

  void write_op(const ir::GlobalAveragePool&) {
    require_in_order();
    const ir::Pool whole{
        .kind = ir::PoolKind::kAverage,
        .window = {.kernel_height = in().height, .kernel_width = in().width, .padding = {}}};
    call(function(pool_kernel(whole, in(), out())), {x(), y()});
  }

  void write_op(const ir::Flatten&) {
    element_order_[index_] = input_order().empty() ? flattened_order(in()) : input_order();
  }

  void write_op(const ir::Softmax&) {
    element_order_[index_] = input_order();
    const auto table = compression::fixed_point_exponentials(quantization().scale);
    constants_.add(constant("exponential"), std::span<const std::int32_t>(table));
    call("softmax", {x(), y(), std::to_string(out().elements()), constant("exponential")});
  }

  void write_op(const ir::Pad& pad) {
    require_in_order();
    const std::int64_t row = std::int64_t{in().width} * in().channels;
    const std::int64_t y_row = std::int64_t{out().width} * out().channels;
    const std::int64_t first =
        pad.padding.top * y_row + std::int64_t{pad.padding.left} * out().channels;
    call("memset",
         {y(), std::to_string(layer().output.zero_point), std::to_string(out().elements())});
    call("copy_rows", {x(), at(offsets_[index_] + first), std::to_string(in().height),
                       std::to_string(row), std::to_string(y_row)});
  }

  template <typename Op>
  void write_op(const Op&) {
    throw refused(layer(), "has no kernel for it");
  }

  void require_in_order() const {
    if (!input_order().empty()) throw refused(layer(), "cannot read a flattened map here");
  }
  void require_same_order() const {
    if (input_order(0) != input_order(1)) {
      throw refused(layer(), "cannot combine a flattened map with another tensor");
    }
  }

  const Model& model_;
  const ir::QuantizedNetwork& network_;
  ir::Requantization mode_;
  std::vector<ir::Shape> shapes_;
  std::vector<std::string> identifiers_;
  estimators::ArenaPlan plan_;
  std::vector<int> order_;             ///< of layers
  std::vector<std::int64_t> offsets_;  ///< of layers' outputs
  /// Where the elements of each layer's output lie: of flattened maps, which stay as they are.
  std::vector<std::vector<int>> element_order_;
  int index_ = 0;  ///< of the current layer

  CConstants constants_;
  std::string kernels_;
  std::string calls_;
  std::map<std::string, std::string> functions_;  ///< by their text
  std::map<std::string, int> stems_;
};

}  // namespace

CSource written_c(const Model& model, ir::Requantization mode) {
  return CWriter(model, mode).write();
}

}  // namespace hwnas::exporters
