#include "exporters/tflite_builder.hpp"

#include <algorithm>
#include <array>

#include "core/error.hpp"

namespace hwnas::exporters {

namespace {

using Code = tflite::BuiltinOperator;

constexpr int kSchemaVersion = 3;
constexpr std::size_t kMaxFileBytes = (std::size_t{1} << 31) - (std::size_t{1} << 20);

/// The first runtime with a version of an operator (TensorFlow,
/// lite/tools/versioning/runtime_version.cc).
struct OperatorRelease {
  Code code;
  int version;
  std::array<int, 3> runtime;
};
constexpr OperatorRelease kReleases[] = {
    {Code::ADD, 1, {1, 5, 0}},
    {Code::ADD, 2, {1, 14, 0}},
    {Code::ADD, 3, {2, 4, 0}},
    {Code::AVERAGE_POOL_2D, 1, {1, 5, 0}},
    {Code::AVERAGE_POOL_2D, 2, {1, 14, 0}},
    {Code::AVERAGE_POOL_2D, 3, {2, 3, 0}},
    {Code::CONCATENATION, 1, {1, 5, 0}},
    {Code::CONCATENATION, 2, {1, 14, 0}},
    {Code::CONCATENATION, 3, {2, 3, 0}},
    {Code::CONV_2D, 1, {1, 5, 0}},
    {Code::CONV_2D, 3, {1, 14, 0}},
    {Code::CONV_2D, 4, {2, 3, 0}},
    {Code::CONV_2D, 6, {2, 9, 0}},
    {Code::CONV_2D, 7, {2, 11, 0}},
    {Code::DEPTHWISE_CONV_2D, 1, {1, 5, 0}},
    {Code::DEPTHWISE_CONV_2D, 2, {1, 12, 0}},
    {Code::DEPTHWISE_CONV_2D, 3, {1, 14, 0}},
    {Code::DEPTHWISE_CONV_2D, 5, {2, 3, 0}},
    {Code::DEPTHWISE_CONV_2D, 7, {2, 11, 0}},
    {Code::FULLY_CONNECTED, 1, {1, 5, 0}},
    {Code::FULLY_CONNECTED, 4, {1, 14, 0}},
    {Code::FULLY_CONNECTED, 7, {2, 3, 0}},
    {Code::FULLY_CONNECTED, 10, {2, 11, 0}},
    {Code::HARD_SWISH, 1, {1, 15, 0}},
    {Code::LOGISTIC, 1, {1, 14, 0}},
    {Code::LOGISTIC, 2, {1, 14, 0}},
    {Code::MAX_POOL_2D, 1, {1, 5, 0}},
    {Code::MAX_POOL_2D, 2, {1, 14, 0}},
    {Code::MAX_POOL_2D, 3, {2, 3, 0}},
    {Code::MUL, 1, {1, 5, 0}},
    {Code::MUL, 2, {1, 14, 0}},
    {Code::MUL, 3, {1, 15, 0}},
    {Code::MUL, 4, {2, 3, 0}},
    {Code::PAD, 1, {1, 5, 0}},
    {Code::PAD, 2, {1, 14, 0}},
    {Code::PAD, 3, {2, 4, 0}},
    {Code::PADV2, 1, {1, 9, 0}},
    {Code::PADV2, 2, {1, 14, 0}},
    {Code::PADV2, 3, {2, 4, 0}},
    {Code::RELU, 1, {1, 5, 0}},
    {Code::RELU, 2, {2, 1, 0}},
    {Code::RELU, 3, {2, 5, 0}},
    {Code::RELU6, 1, {1, 5, 0}},
    {Code::RELU6, 2, {1, 14, 0}},
    {Code::RELU6, 3, {2, 5, 0}},
    {Code::RESHAPE, 1, {1, 5, 0}},
    {Code::SOFTMAX, 1, {1, 5, 0}},
    {Code::SOFTMAX, 2, {1, 14, 0}},
};

std::array<int, 3> release(Code code, int version) {
  for (const OperatorRelease& row : kReleases) {
    if (row.code == code && row.version == version) return row.runtime;
  }
  throw error(ErrorCode::kInternal, "no release is known of {} version {}",
              tflite::EnumNameBuiltinOperator(code), version);
}

}  // namespace

TfliteBuilder::TfliteBuilder(const std::string& name) {
  model_.version = kSchemaVersion;
  model_.description = "hwnas";
  model_.subgraphs.push_back(std::make_unique<tflite::SubGraphT>());
  graph().name = name;
  add_buffer({});
}

int TfliteBuilder::add_tensor(std::unique_ptr<tflite::TensorT> tensor) {
  graph().tensors.push_back(std::move(tensor));
  return static_cast<int>(graph().tensors.size()) - 1;
}

int TfliteBuilder::add_buffer(std::vector<std::uint8_t> bytes) {
  model_.buffers.push_back(std::make_unique<tflite::BufferT>());
  model_.buffers.back()->data = std::move(bytes);
  return static_cast<int>(model_.buffers.size()) - 1;
}

int TfliteBuilder::add_activation(const std::string& name, const Dims& dims,
                                  const std::optional<ir::Quantization>& quantization) {
  auto tensor = std::make_unique<tflite::TensorT>();
  tensor->name = name;
  tensor->shape = dims;
  const int index = add_tensor(std::move(tensor));
  if (quantization) {
    graph().tensors[index]->type = quantization->bits == 16 ? Type::INT16 : Type::INT8;
    set_quantization(index, *quantization);
  }
  return index;
}

int TfliteBuilder::add_constant(const std::string& name, Type type, const Dims& dims,
                                std::vector<std::uint8_t> bytes, const TfliteScales& scales) {
  auto tensor = std::make_unique<tflite::TensorT>();
  tensor->name = name;
  tensor->type = type;
  tensor->shape = dims;
  tensor->buffer = static_cast<std::uint32_t>(add_buffer(std::move(bytes)));
  if (!scales.values.empty()) {
    tensor->quantization = std::make_unique<tflite::QuantizationParametersT>();
    tensor->quantization->scale = scales.values;
    tensor->quantization->zero_point.assign(scales.values.size(), 0);
    tensor->quantization->quantized_dimension = scales.values.size() > 1 ? scales.axis : 0;
  }
  return add_tensor(std::move(tensor));
}

void TfliteBuilder::set_quantization(int tensor, const ir::Quantization& quantization) {
  auto parameters = std::make_unique<tflite::QuantizationParametersT>();
  parameters->scale = {quantization.scale};
  parameters->zero_point = {quantization.zero_point};
  graph().tensors[tensor]->quantization = std::move(parameters);
}

void TfliteBuilder::add_operator(Code code, int version, const std::vector<int>& inputs, int output,
                                 tflite::BuiltinOptionsUnion options) {
  const auto is_same = [&](const auto& known) {
    return known->builtin_code == code && known->version == version;
  };
  auto& codes = model_.operator_codes;
  const auto found = std::find_if(codes.begin(), codes.end(), is_same);
  auto op = std::make_unique<tflite::OperatorT>();
  op->opcode_index = static_cast<std::uint32_t>(found - codes.begin());
  op->inputs = inputs;
  op->outputs = {output};
  op->builtin_options = std::move(options);
  if (found == codes.end()) {
    auto added = std::make_unique<tflite::OperatorCodeT>();
    added->builtin_code = code;
    added->deprecated_builtin_code = static_cast<std::int8_t>(code);
    added->version = version;
    codes.push_back(std::move(added));
  }
  graph().operators.push_back(std::move(op));
}

void TfliteBuilder::add_minimum_runtime() {
  std::array<int, 3> newest = {1, 5, 0};
  for (const auto& code : model_.operator_codes) {
    newest = std::max(newest, release(code->builtin_code, code->version));
  }
  const std::string text = fmt::format("{}", fmt::join(newest, "."));
  std::vector<std::uint8_t> bytes(text.begin(), text.end());
  bytes.resize(16);  // the converter's length
  auto metadata = std::make_unique<tflite::MetadataT>();
  metadata->name = "min_runtime_version";
  metadata->buffer = static_cast<std::uint32_t>(add_buffer(std::move(bytes)));
  model_.metadata.push_back(std::move(metadata));
}

void TfliteBuilder::add_signature(int input, int output) {
  const auto named = [this](int tensor) {
    auto map = std::make_unique<tflite::TensorMapT>();
    map->name = graph().tensors[tensor]->name;
    map->tensor_index = static_cast<std::uint32_t>(tensor);
    return map;
  };
  auto signature = std::make_unique<tflite::SignatureDefT>();
  signature->signature_key = "serving_default";
  signature->inputs.push_back(named(input));
  signature->outputs.push_back(named(output));
  model_.signature_defs.push_back(std::move(signature));
}

std::string TfliteBuilder::finish(int input, int output, const std::string& output_name) {
  graph().tensors[output]->name = output_name;
  graph().inputs = {input};
  graph().outputs = {output};
  add_minimum_runtime();
  add_signature(input, output);
  std::size_t bytes = 0;
  for (const auto& buffer : model_.buffers) bytes += buffer->data.size();
  if (bytes > kMaxFileBytes) {
    throw invalid_argument("model '{}': {} bytes of weights are more than a .tflite file holds",
                           graph().name, bytes);
  }
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(tflite::Model::Pack(builder, &model_), tflite::ModelIdentifier());
  return {reinterpret_cast<const char*>(builder.GetBufferPointer()), builder.GetSize()};
}

}  // namespace hwnas::exporters
