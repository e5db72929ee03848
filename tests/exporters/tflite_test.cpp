#include "exporters/tflite.hpp"

#include <gmock/gmock.h>
#include <tflite_generated.h>

#include "compression/integer_executor.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "exporters/deployed.hpp"
#include "tests/exporters/temporary_folder.hpp"
#include "tests/exporters/tflite_networks.hpp"
#include "tests/exporters/zoo_models.hpp"

namespace hwnas::exporters {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using Code = tflite::BuiltinOperator;

class Tflite : public testing::Test {
 protected:
  tflite::ModelT written(const Model& model) const {
    write_tflite(model, file_);
    const std::string bytes = read_file(file_, 1 << 20);
    tflite::ModelT result;
    tflite::GetModel(bytes.data())->UnPackTo(&result);
    return result;
  }

  std::string refusal(const Model& model) const {
    try {
      write_tflite(model, file_);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
      return error.what();
    }
    return "written";
  }

  const TemporaryFolder folder_;
  const std::filesystem::path file_ = folder_.path() / "model.tflite";
};

const tflite::TensorT& input_of(const tflite::ModelT& model) {
  const tflite::SubGraphT& graph = *model.subgraphs.front();
  return *graph.tensors[graph.inputs.front()];
}

const tflite::TensorT& output_of(const tflite::ModelT& model) {
  const tflite::SubGraphT& graph = *model.subgraphs.front();
  return *graph.tensors[graph.outputs.front()];
}

const tflite::TensorT& tensor(const tflite::ModelT& model, std::string_view name) {
  for (const auto& tensor : model.subgraphs.front()->tensors) {
    if (tensor->name == name) return *tensor;
  }
  throw std::runtime_error("no tensor " + std::string(name));
}

const std::vector<std::uint8_t>& data(const tflite::ModelT& model, std::string_view name) {
  return model.buffers[tensor(model, name).buffer]->data;
}

/// The operators in the order of execution.
std::vector<Code> codes(const tflite::ModelT& model) {
  std::vector<Code> result;
  for (const auto& op : model.subgraphs.front()->operators) {
    result.push_back(model.operator_codes[op->opcode_index]->builtin_code);
  }
  return result;
}

std::string minimum_runtime(const tflite::ModelT& model) {
  const auto& bytes = model.buffers[model.metadata.front()->buffer]->data;
  return reinterpret_cast<const char*>(bytes.data());
}

TEST_F(Tflite, HasTheDocumentedInterface) {
  const tflite::ModelT real = written(zoo_model({"plain", ir::zoo::plain()}));
  EXPECT_EQ(input_of(real).name, "input");
  EXPECT_THAT(input_of(real).shape, ElementsAre(1, 9, 7, 3));
  EXPECT_EQ(output_of(real).name, "logits");
  EXPECT_THAT(output_of(real).shape, ElementsAre(1, 6));
  EXPECT_EQ(real.signature_defs.front()->signature_key, "serving_default");
  const Model model = quantized_zoo_model({"fcn", ir::zoo::fully_convolutional()});
  const tflite::ModelT integer = written(model);
  EXPECT_THAT(output_of(integer).shape, ElementsAre(1, 2, 2, 2));
  EXPECT_EQ(input_of(integer).type, tflite::TensorType::INT8);
  EXPECT_THAT(input_of(integer).quantization->scale,
              ElementsAre(model.quantized->input_quantization.scale));
  EXPECT_THAT(input_of(integer).quantization->zero_point,
              ElementsAre(model.quantized->input_quantization.zero_point));
}

TEST_F(Tflite, NormalisesFirstInFloat) {
  Model model = zoo_model({"plain", ir::zoo::plain()});
  EXPECT_EQ(codes(written(model)).front(), Code::DEPTHWISE_CONV_2D);
  model.normalisation = {};
  EXPECT_EQ(codes(written(model)).front(), Code::CONV_2D);
}

TEST_F(Tflite, FusesActivationsOfOneReader) {
  Model model = zoo_model({"plain", ir::zoo::plain()});
  model.normalisation = {};
  const tflite::ModelT plain = written(model);
  EXPECT_THAT(codes(plain), ElementsAre(Code::CONV_2D, Code::MAX_POOL_2D, Code::CONV_2D,
                                        Code::LOGISTIC, Code::RESHAPE, Code::FULLY_CONNECTED));
  const auto& convolution = plain.subgraphs.front()->operators.front();
  EXPECT_EQ(convolution->builtin_options.AsConv2DOptions()->fused_activation_function,
            tflite::ActivationFunctionType::RELU);
}

TEST_F(Tflite, PadsWithAnOperatorOnlyWhereNeitherSameNorValidIsMeant) {
  const std::vector<Code> same = codes(written(zoo_model({"plain", ir::zoo::plain()})));
  EXPECT_THAT(same, testing::Not(Contains(Code::PAD)));
  Model model = zoo_model({"explicit_paddings", explicit_paddings()});
  model.normalisation = {};
  EXPECT_THAT(codes(written(model)),
              ElementsAre(Code::PAD, Code::CONV_2D, Code::PADV2, Code::MAX_POOL_2D, Code::PAD,
                          Code::CONV_2D, Code::RESHAPE, Code::FULLY_CONNECTED));
}

TEST_F(Tflite, PadsIntegerMaximaWithTheLowestInteger) {
  const tflite::ModelT model =
      written(quantized_zoo_model({"explicit_paddings", explicit_paddings()}));
  EXPECT_THAT(data(model, "max_pool_2:padded:lowest"), ElementsAre(0x80));
  EXPECT_EQ(tensor(model, "max_pool_2:padded:lowest").quantization->scale,
            tensor(model, "max_pool_2").quantization->scale);
}

TEST_F(Tflite, TakesStridedAveragesFromDenseOnes) {
  Model model = zoo_model({"strided_average", strided_average()});
  model.normalisation = {};
  const std::vector<Code> all = codes(written(model));
  EXPECT_THAT(std::vector(all.begin() + 1, all.begin() + 3),
              ElementsAre(Code::AVERAGE_POOL_2D, Code::MAX_POOL_2D));
}

TEST_F(Tflite, StoresWeightsWithTheirChannelsLast) {
  ir::zoo::Builder net({2, 1, 3});
  net.add(ir::zoo::conv(1, {1, 2, 1, 1, {}}, 1, true));
  Model model = zoo_model({"conv", net.take()});
  model.weights.layers.at("conv2d_0").weight.values = {1, 2, 3, 4};  // channel by channel
  const tflite::ModelT file = written(model);
  EXPECT_THAT(tensor(file, "conv2d_0.weight").shape, ElementsAre(1, 1, 2, 2));
  std::vector<float> values(4);
  std::memcpy(values.data(), data(file, "conv2d_0.weight").data(), 16);
  EXPECT_THAT(values, ElementsAre(1, 3, 2, 4));
}

TEST_F(Tflite, PutsTheFirstOfTwoInt4WeightsInTheLowHalf) {
  Model model = quantized_zoo_model({"signal", ir::zoo::signal()},
                                    {.default_format = ir::WeightFormat::kInt4});
  ir::QuantizedLayer& linear = model.quantized->layers.back();
  ASSERT_EQ(linear.weight.size(), 64U);
  std::ranges::fill(linear.weight, std::int8_t{0});
  linear.weight[0] = 3;
  linear.weight[1] = -2;
  const tflite::ModelT file = written(model);
  const std::string name = linear.name + ".weight";
  EXPECT_EQ(tensor(file, name).type, tflite::TensorType::INT4);
  EXPECT_EQ(data(file, name).size(), 32U);
  EXPECT_EQ(data(file, name)[0], 0xE3);
}

TEST_F(Tflite, HasAScaleForEachOutputChannelOfConvolutions) {
  const Model model = quantized_zoo_model({"signal", ir::zoo::signal()});
  const tflite::ModelT file = written(model);
  const auto& dense = *tensor(file, "conv2d_0.weight").quantization;
  EXPECT_EQ(dense.scale.size(), 8U);
  EXPECT_EQ(dense.quantized_dimension, 0);
  EXPECT_THAT(dense.zero_point, testing::Each(0));
  const auto& depthwise = *tensor(file, "conv2d_3.weight").quantization;
  EXPECT_EQ(depthwise.scale.size(), 16U);
  EXPECT_EQ(depthwise.quantized_dimension, 3);
  const float input_scale = model.quantized->input_quantization.scale;
  EXPECT_FLOAT_EQ(tensor(file, "conv2d_0.bias").quantization->scale[3],
                  input_scale * dense.scale[3]);
}

TEST_F(Tflite, AsksForTheRuntimeOfItsNewestOperator) {
  const ir::zoo::ZooNetwork mobile{"mobile", ir::zoo::inverted_residual()};
  EXPECT_EQ(minimum_runtime(written(zoo_model(mobile))), "1.5.0");
  EXPECT_EQ(minimum_runtime(written(quantized_zoo_model(mobile))), "1.14.0");
  EXPECT_EQ(minimum_runtime(
                written(quantized_zoo_model(mobile, {.default_format = ir::WeightFormat::kInt4}))),
            "2.11.0");
}

TEST_F(Tflite, GivesALoneRelu6AnEqualScaleOnBothSides) {
  // TensorFlow Lite Micro's RELU6 ignores the difference between two scales.
  Model model = quantized_zoo_model({"flat_gate", flat_gate()});
  EXPECT_THAT(codes(written(model)), testing::Not(Contains(Code::RELU6)));
  auto& layers = model.quantized->layers;
  const auto relu6 = std::ranges::find_if(layers, [](const ir::QuantizedLayer& layer) {
    return layer.op == ir::Operator(ir::Activation{ir::ActivationKind::kRelu6});
  });
  relu6->output.scale = 0.1F;
  EXPECT_THAT(codes(written(model)), testing::IsSupersetOf({Code::RELU, Code::RELU6}));
}

TEST_F(Tflite, RefusesWhatHasNoExactForm) {
  EXPECT_THAT(refusal(zoo_model({"averages", ir::zoo::asymmetric_padding()})),
              HasSubstr("layer 'average_pool_2'"));
  ir::zoo::Builder net({2, 3, 3});
  net.add(ir::Flatten{}, {ir::kNetworkInput});
  net.add(ir::Softmax{});
  EXPECT_THAT(refusal(zoo_model({"order", net.take()})), HasSubstr("only a linear layer"));
}

struct RoundTrip {
  ir::zoo::ZooNetwork entry;
  std::optional<ir::WeightFormat> format;  ///< none: float32
};

std::vector<RoundTrip> round_trips() {
  std::vector<RoundTrip> result;
  for (const auto& entry : tflite_networks()) {
    result.push_back({entry, {}});
    if (!is_quantizable(entry.network)) continue;
    for (const auto& format : ir::weight_formats()) result.push_back({entry, format.format});
  }
  return result;
}

class TfliteRoundTrip : public testing::TestWithParam<RoundTrip> {
 protected:
  const TemporaryFolder folder_;
  const std::filesystem::path file_ = folder_.path() / "model.tflite";
};
INSTANTIATE_TEST_SUITE_P(Zoo, TfliteRoundTrip, testing::ValuesIn(round_trips()),
                         [](const auto& test) {
                           const auto& format = test.param.format;
                           return test.param.entry.name + "_" +
                                  (format ? std::string(ir::info(*format).name) : "float");
                         });

TEST_P(TfliteRoundTrip, ComputesTheSame) {
  const auto& [entry, format] = GetParam();
  const Model model =
      format ? quantized_zoo_model(entry, {.default_format = *format}) : zoo_model(entry);
  write_tflite(model, file_);
  for (const std::vector<float>& raw : probes(model, 3)) {
    const std::vector<float> input = normalised(model.normalisation, model.network.input, raw);
    if (!format) {
      EXPECT_THAT(run_tflite(file_, raw),
                  testing::Pointwise(testing::FloatNear(1e-4F),
                                     ir::run_reference(model.network, model.weights, input)));
      continue;
    }
    const std::vector<std::int32_t> expected =
        compression::IntegerExecutor(*model.quantized)
            .run(ir::quantize(model.quantized->input_quantization, input));
    EXPECT_EQ(run_tflite(file_, input),
              ir::dequantize(model.quantized->layers.back().output, expected));
  }
}

}  // namespace
}  // namespace hwnas::exporters
