#include <algorithm>
#include <limits>
#include <map>
#include <optional>

#include "compression/integer_executor.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "exporters/tflite.hpp"
#include "exporters/tflite_layers.hpp"
#include "exporters/tflite_layout.hpp"

namespace hwnas::exporters {

namespace {

using Code = tflite::BuiltinOperator;
using Type = tflite::TensorType;

constexpr std::size_t kMaxFileBytes = std::size_t{80} << 20;
constexpr std::size_t kMaxBytes = std::size_t{192} << 20;  ///< file and network together
constexpr int kMaxInputs = 1024;

/// What a tensor holds: a layer's output, and what is still to be done to it.
struct Value {
  int layer = ir::kNetworkInput;
  ir::Shape shape;
  /// The map that was flattened, if the elements stand in another order than the IR's.
  std::optional<ir::Shape> flattened = {};
  /// Padding that is not a layer yet: its reader may have a place for it.
  ir::Padding padding = {};
  bool pads_lowest = false;  ///< and not with zeros

  bool is_padded() const { return padding != ir::Padding{}; }
};

/// Reads one graph, operator by operator; one use each. What it says names the operator, not the
/// file.
class Importer {
 public:
  explicit Importer(TfliteReader& reader)
      : reader_(reader), input_(only(reader.graph().inputs(), "input")), layers_(reader, input_) {
    values_[input_] = {.shape = reader.shape(input_)};
  }

  TfliteNetwork read() {
    for (int i = 0; i < reader_.operators(); ++i) read_operator(i);
    require_output();
    return layers_.take();
  }

 private:
  struct OperatorReader {
    Code code;
    int min_inputs;
    int max_inputs;
    Value (Importer::*read)(const TfliteOp&);
  };

  // --- the graph -----------------------------------------------------------------------------

  int only(const flatbuffers::Vector<int>* tensors, const char* what) const {
    if (tensors == nullptr || tensors->size() != 1) throw invalid_argument("not one {}", what);
    reader_.require_tensor(tensors->Get(0));
    return tensors->Get(0);
  }

  void read_operator(int position) {
    const int code = reader_.code(reader_.at(position));
    const auto row = std::ranges::find(
        kOperators, code, [](const OperatorReader& it) { return static_cast<int>(it.code); });
    if (row == std::end(kOperators)) {
      throw invalid_argument("operator {} is of type {}, which is not read", position, code);
    }
    try {
      read_operator(TfliteOp(reader_, position), *row);
    } catch (const Error& error) {
      throw invalid_argument("operator {} ({}): {}", position,
                             tflite::EnumNameBuiltinOperator(row->code), error.what());
    }
  }

  void read_operator(const TfliteOp& op, const OperatorReader& row) {
    op.require_inputs(row.min_inputs, row.max_inputs);
    const int output = op.output();
    if (values_.contains(output) || reader_.is_constant(output)) {
      throw invalid_argument("writes tensor {}, which is there already", output);
    }
    const Value value = (this->*row.read)(op);
    if (!layers_.is_integer() && reader_.type(output) != Type::FLOAT32) {
      throw invalid_argument("its output is not float32, as the network's input is");
    }
    if (value.shape != reader_.shape(output)) {
      throw invalid_argument("its output is not of the shape that the file declares");
    }
    values_[output] = value;
  }

  void require_output() {
    const int tensor = only(reader_.graph().outputs(), "output");
    const auto found = values_.find(tensor);
    if (found == values_.end()) throw invalid_argument("no operator gives the output");
    const Value value = materialized(found->second);
    if (value.flattened || value.layer + 1 != layers_.count()) {
      throw invalid_argument("the output is a flattened map, or not what the last operator gives");
    }
  }

  // --- values --------------------------------------------------------------------------------

  const Value& raw_value(const TfliteOp& op, int position) const {
    const auto found = values_.find(op.input(position));
    if (found == values_.end()) {
      throw invalid_argument("no earlier operator gives input {}", position);
    }
    return found->second;
  }
  /// With its padding, and perhaps in the order of a flattened map.
  Value any_value(const TfliteOp& op, int position) {
    return materialized(raw_value(op, position));
  }
  Value value(const TfliteOp& op, int position = 0) {
    Value result = any_value(op, position);
    if (result.flattened) {
      throw invalid_argument("reads a flattened map, which only FULLY_CONNECTED may");
    }
    return result;
  }

  Value materialized(Value value) {
    if (!value.is_padded()) return value;
    if (value.pads_lowest) {
      throw invalid_argument("a PADV2 is read only before a MAX_POOL_2D with padding VALID");
    }
    value.layer = layers_.add_between("padding", ir::Pad{value.padding}, value.layer, value.shape);
    value.padding = {};
    return value;
  }

  /// What the operator gives by a layer.
  Value given(const TfliteOp& op, int layer) const {
    return {.layer = layer, .shape = reader_.shape(op.output())};
  }
  Value add(const TfliteOp& op, const ir::Operator& kind, std::vector<int> inputs,
            tflite::ActivationFunctionType activation = tflite::ActivationFunctionType::NONE) {
    return given(op, layers_.add(op, kind, std::move(inputs), op.clamp(activation)));
  }

  // --- operators -----------------------------------------------------------------------------

  template <typename Options>
  ir::Window window(const TfliteOp& op, const Options& options, int kernel_height,
                    int kernel_width) const {
    return {.kernel_height = op.extent("kernel height", kernel_height),
            .kernel_width = op.extent("kernel width", kernel_width),
            .stride_height = op.extent("vertical stride", options.stride_h()),
            .stride_width = op.extent("horizontal stride", options.stride_w()),
            .padding = {}};
  }

  static bool is_same(tflite::Padding padding) {
    if (padding != tflite::Padding::SAME && padding != tflite::Padding::VALID) {
      throw invalid_argument("padding {} is neither SAME nor VALID", static_cast<int>(padding));
    }
    return padding == tflite::Padding::SAME;
  }

  /// What the window slides over, whose own padding becomes the window's where that means the same.
  Value slid_over(const TfliteOp& op, bool same, bool lowest) {
    const Value& found = raw_value(op, 0);
    if (found.is_padded() && !same && found.pads_lowest == lowest) return found;
    return value(op);
  }

  template <typename Options>
  ir::Conv2d convolution(const TfliteOp& op, const Options& options, const std::vector<int>& filter,
                         int out_channels) const {
    ir::Conv2d conv{.out_channels = out_channels,
                    .window = window(op, options, filter[1], filter[2]),
                    .dilation_height = op.extent("dilation", options.dilation_h_factor()),
                    .dilation_width = op.extent("dilation", options.dilation_w_factor()),
                    .bias = op.has_input(2)};
    for (const auto& [kernel, dilation] :
         {std::pair(filter[1], conv.dilation_height), std::pair(filter[2], conv.dilation_width)}) {
      if (std::int64_t{dilation} * (kernel - 1) >= kMaxTfliteExtent)
        throw invalid_argument("its window is too large");
    }
    return conv;
  }

  /// The value that a convolution reads; sets the convolution's padding.
  Value pad(const TfliteOp& op, tflite::Padding padding, ir::Conv2d& conv) {
    const bool same = is_same(padding);
    Value input = slid_over(op, same, /*lowest=*/false);
    conv.window.padding =
        same ? same_padding(input.shape, conv.window, conv.dilation_height, conv.dilation_width)
             : input.padding;
    return input;
  }

  std::vector<int> filter_dims(const TfliteOp& op, std::size_t rank) const {
    std::vector<int> dims = reader_.dims(op.input(1));
    if (dims.size() != rank) throw invalid_argument("its weights have rank {}", dims.size());
    return dims;
  }

  Value read_conv(const TfliteOp& op) {
    const auto& options = op.options<tflite::Conv2DOptions>();
    const std::vector<int> filter = filter_dims(op, 4);
    ir::Conv2d conv = convolution(op, options, filter, filter[0]);
    const Value input = pad(op, options.padding(), conv);
    if (input.shape.channels % filter[3] != 0) {
      throw invalid_argument("its weights are for {} channels, but it reads {}", filter[3],
                             input.shape.channels);
    }
    conv.groups = input.shape.channels / filter[3];
    const std::size_t taps = static_cast<std::size_t>(filter[1]) * filter[2];
    const TfliteLayers::WeightOrder order{
        {filter[0], filter[3], filter[1], filter[2]}, taps, static_cast<std::size_t>(filter[3]), 0};
    return given(op, layers_.add_weighted(op, conv, input.layer, order,
                                          op.clamp(options.fused_activation_function())));
  }

  Value read_depthwise_conv(const TfliteOp& op) {
    const auto& options = op.options<tflite::DepthwiseConv2DOptions>();
    const std::vector<int> filter = filter_dims(op, 4);
    ir::Conv2d conv = convolution(op, options, filter, filter[3]);
    const Value input = pad(op, options.padding(), conv);
    if (filter[0] != 1) throw invalid_argument("axis 0 of its weights is {}", filter[0]);
    conv.groups = input.shape.channels;
    const std::size_t taps = static_cast<std::size_t>(filter[1]) * filter[2];
    const TfliteLayers::WeightOrder order{
        {filter[3], 1, filter[1], filter[2]}, taps, static_cast<std::size_t>(filter[3]), 3};
    return given(op, layers_.add_weighted(op, conv, input.layer, order,
                                          op.clamp(options.fused_activation_function())));
  }

  /// Reads the map itself, which TensorFlow Lite flattens.
  Value read_fully_connected(const TfliteOp& op) {
    const auto& options = op.options<tflite::FullyConnectedOptions>();
    if (options.weights_format() != tflite::FullyConnectedOptionsWeightsFormat::DEFAULT) {
      throw invalid_argument("shuffled weights are not read");
    }
    const std::vector<int> filter = filter_dims(op, 2);
    Value input = any_value(op, 0);
    if (input.shape.height != 1 || input.shape.width != 1) input = flattened(input);
    if (input.shape.channels != filter[1]) {
      throw invalid_argument("its weights are for {} inputs, but it reads {}", filter[1],
                             input.shape.channels);
    }
    const ir::Shape order = input.flattened.value_or(input.shape);
    const std::size_t pixels = static_cast<std::size_t>(order.height) * order.width;
    const ir::Linear linear{.out_features = filter[0], .bias = op.has_input(2)};
    return given(op, layers_.add_weighted(
                         op, linear, input.layer,
                         {{filter[0], filter[1]}, pixels, static_cast<std::size_t>(order.channels)},
                         op.clamp(options.fused_activation_function())));
  }

  Value flattened(const Value& map) {
    if (map.shape.elements() > kMaxTfliteExtent) {
      throw invalid_argument("a flattened map is too large");
    }
    Value flat{.shape = {.channels = static_cast<int>(map.shape.elements())}};
    flat.layer = layers_.add_between("flattened", ir::Flatten{}, map.layer, flat.shape);
    if (map.shape.channels > 1) flat.flattened = map.shape;
    return flat;
  }

  Value read_reshape(const TfliteOp& op) {
    const Value input = any_value(op, 0);
    const ir::Shape shape = reader_.shape(op.output());
    if (layers_.is_integer() &&
        reader_.quantization(op.output()) != layers_.quantization_of(input.layer)) {
      throw invalid_argument("changes the quantization");
    }
    if (shape == input.shape) return input;
    if (shape.channels != input.shape.elements()) {
      throw invalid_argument("only maps are reshaped, to [1, channels]");
    }
    return flattened(input);
  }

  template <ir::ActivationKind kKind>
  Value read_activation(const TfliteOp& op) {
    const Value input = any_value(op, 0);
    Value result = add(op, ir::Activation{kKind}, {input.layer});
    result.flattened = input.flattened;
    return result;
  }

  /// A constant operand: one value, or one a channel.
  std::optional<std::vector<float>> constant_operand(const TfliteOp& op, int channels) {
    if (!reader_.is_constant(op.input(1))) return std::nullopt;
    if (layers_.is_integer()) throw invalid_argument("a constant operand is read in float32 only");
    std::vector<float> values = reader_.floats(op.input(1));
    const std::vector<int> dims = reader_.dims(op.input(1));
    if (values.size() != 1 && (std::ssize(values) != channels || dims.back() != channels)) {
      throw invalid_argument("its constant operand is neither one value nor one a channel");
    }
    reader_.take(static_cast<std::size_t>(channels) * sizeof(float) * 2);
    values.resize(channels, values.front());
    return values;
  }

  Value read_add(const TfliteOp& op) {
    const auto& options = op.options<tflite::AddOptions>();
    const auto activation = options.fused_activation_function();
    const Value first = value(op, 0);
    if (auto shift = constant_operand(op, first.shape.channels)) {
      std::vector<float> ones(shift->size(), 1.0F);
      return given(op, layers_.add_affine(op, first.layer, std::move(ones), std::move(*shift),
                                          op.clamp(activation)));
    }
    return add(op, ir::Add{}, {first.layer, value(op, 1).layer}, activation);
  }

  Value read_mul(const TfliteOp& op) {
    const auto activation = op.options<tflite::MulOptions>().fused_activation_function();
    Value first = value(op, 0);
    if (auto scale = constant_operand(op, first.shape.channels)) {
      std::vector<float> zeros(scale->size());
      return given(op, layers_.add_affine(op, first.layer, std::move(*scale), std::move(zeros),
                                          op.clamp(activation)));
    }
    Value second = value(op, 1);
    if (first.shape.elements() < second.shape.elements()) std::swap(first, second);
    return add(op, ir::Mul{}, {first.layer, second.layer}, activation);
  }

  Value read_concat(const TfliteOp& op) {
    const auto& options = op.options<tflite::ConcatenationOptions>();
    const int rank = static_cast<int>(reader_.dims(op.output()).size());
    if (options.axis() != rank - 1 && options.axis() != -1) {
      throw invalid_argument("joins axis {}, only the last one is read", options.axis());
    }
    std::vector<int> inputs;
    for (int i = 0; i < op.inputs(); ++i) inputs.push_back(value(op, i).layer);
    return add(op, ir::Concat{}, std::move(inputs), options.fused_activation_function());
  }

  template <ir::PoolKind kKind>
  Value read_pool(const TfliteOp& op) {
    constexpr bool kIsMax = kKind == ir::PoolKind::kMax;
    const auto& options = op.options<tflite::Pool2DOptions>();
    const bool same = is_same(options.padding());
    ir::Pool pool{kKind, window(op, options, options.filter_height(), options.filter_width())};
    // No average counts padding, so zeros before one are a layer of their own.
    const Value input = kIsMax ? slid_over(op, same, /*lowest=*/true) : value(op);
    pool.window.padding = same ? same_padding(input.shape, pool.window) : input.padding;
    const auto activation = options.fused_activation_function();
    const bool whole = pool.window.kernel_height == input.shape.height &&
                       pool.window.kernel_width == input.shape.width;
    if (!kIsMax && whole && pool.window.padding == ir::Padding{}) {
      return add(op, ir::GlobalAveragePool{}, {input.layer}, activation);
    }
    return add(op, pool, {input.layer}, activation);
  }

  Value read_softmax(const TfliteOp& op) {
    const float beta = op.options<tflite::SoftmaxOptions>().beta();
    if (beta != 1) throw invalid_argument("beta is {}, only 1 is read", beta);
    return add(op, ir::Softmax{}, {value(op).layer});
  }

  Value read_pad(const TfliteOp& op) {
    const Value input = value(op);
    const std::vector<std::int64_t> pads = reader_.integers(op.input(1));
    if (reader_.dims(op.input(1)) != std::vector<int>{4, 2} || pads[0] != 0 || pads[1] != 0 ||
        pads[6] != 0 || pads[7] != 0) {
      throw invalid_argument("pads more than height and width");
    }
    for (const std::int64_t extent : pads) {
      if (extent < 0 || extent > kMaxTfliteExtent) throw invalid_argument("pads by {}", extent);
    }
    if (layers_.is_integer() &&
        reader_.quantization(op.output()) != layers_.quantization_of(input.layer)) {
      throw invalid_argument("changes the quantization");
    }
    const auto side = [&](int i) { return static_cast<int>(pads[i]); };
    const ir::Padding padding{.top = side(2), .left = side(4), .bottom = side(3), .right = side(5)};
    return {.layer = input.layer,
            .shape = {input.shape.channels, input.shape.height + padding.top + padding.bottom,
                      input.shape.width + padding.left + padding.right},
            .padding = padding};
  }

  Value read_pad_v2(const TfliteOp& op) {
    Value result = read_pad(op);
    const int tensor = op.input(2);
    const bool lowest =
        layers_.is_integer()
            ? reader_.quantization(tensor) == layers_.quantization_of(result.layer) &&
                  reader_.type(tensor) == Type::INT8 &&
                  reader_.small_integers(tensor, 1, 1).front() == -128
            : reader_.floats(tensor).front() == std::numeric_limits<float>::lowest();
    if (!lowest) throw invalid_argument("only padding with the lowest value is read");
    result.pads_lowest = true;
    return result;
  }

  static const OperatorReader kOperators[16];

  TfliteReader& reader_;
  int input_;
  TfliteLayers layers_;
  std::map<int, Value> values_;  ///< by tensor
};

const Importer::OperatorReader Importer::kOperators[16] = {
    {Code::ADD, 2, 2, &Importer::read_add},
    {Code::AVERAGE_POOL_2D, 1, 1, &Importer::read_pool<ir::PoolKind::kAverage>},
    {Code::CONCATENATION, 2, kMaxInputs, &Importer::read_concat},
    {Code::CONV_2D, 2, 3, &Importer::read_conv},
    {Code::DEPTHWISE_CONV_2D, 2, 3, &Importer::read_depthwise_conv},
    {Code::FULLY_CONNECTED, 2, 3, &Importer::read_fully_connected},
    {Code::HARD_SWISH, 1, 1, &Importer::read_activation<ir::ActivationKind::kHardSwish>},
    {Code::LOGISTIC, 1, 1, &Importer::read_activation<ir::ActivationKind::kSigmoid>},
    {Code::MAX_POOL_2D, 1, 1, &Importer::read_pool<ir::PoolKind::kMax>},
    {Code::MUL, 2, 2, &Importer::read_mul},
    {Code::PAD, 2, 2, &Importer::read_pad},
    {Code::PADV2, 3, 3, &Importer::read_pad_v2},
    {Code::RELU, 1, 1, &Importer::read_activation<ir::ActivationKind::kRelu>},
    {Code::RELU6, 1, 1, &Importer::read_activation<ir::ActivationKind::kRelu6>},
    {Code::RESHAPE, 1, 2, &Importer::read_reshape},
    {Code::SOFTMAX, 1, 1, &Importer::read_softmax},
};

}  // namespace

TfliteNetwork import_tflite(const std::filesystem::path& file) {
  const std::string bytes = read_file(file, kMaxFileBytes);
  try {
    TfliteReader reader(bytes, kMaxBytes);
    return Importer(reader).read();
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("{}: {}", file.string(), error.what()));
  }
}

std::vector<float> run_tflite(const std::filesystem::path& file, const std::vector<float>& input) {
  const TfliteNetwork network = import_tflite(file);
  if (const auto* const real = std::get_if<ir::FoldedNetwork>(&network)) {
    return ir::run_reference(real->network, real->weights, input);
  }
  const auto& integer = std::get<ir::QuantizedNetwork>(network);
  const compression::IntegerExecutor executor(integer);
  return ir::dequantize(integer.layers.back().output,
                        executor.run(ir::quantize(integer.input_quantization, input)));
}

}  // namespace hwnas::exporters
