#include <gmock/gmock.h>
#include <tflite_generated.h>

#include <cstdlib>
#include <fstream>
#include <functional>
#include <limits>

#include "core/error.hpp"
#include "core/file.hpp"
#include "exporters/tflite.hpp"
#include "tests/exporters/mutated.hpp"
#include "tests/exporters/temporary_folder.hpp"
#include "tests/exporters/tflite_networks.hpp"
#include "tests/exporters/zoo_models.hpp"

namespace hwnas::exporters {
namespace {

using testing::HasSubstr;
using Type = tflite::TensorType;

std::string packed(const tflite::ModelT& model) {
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(tflite::Model::Pack(builder, &model), tflite::ModelIdentifier());
  return {reinterpret_cast<const char*>(builder.GetBufferPointer()), builder.GetSize()};
}

class TfliteImport : public testing::Test {
 protected:
  /// What the importer says to a file.
  std::string answer(const std::string& bytes) const {
    std::ofstream(file_, std::ios::binary | std::ios::trunc) << bytes;
    try {
      import_tflite(file_);
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(file_.filename().string()));
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument) << error.what();
      return error.what();
    }
    return "accepted";
  }

  std::string written(const Model& model) const {
    write_tflite(model, file_);
    return read_file(file_, 1 << 20);
  }

  /// What the importer says to the file after `change`.
  static constexpr int kConv = 0;  ///< the first operator of the files that are changed
  std::string refusal(const std::function<void(tflite::ModelT&)>& change) const {
    tflite::ModelT model;
    tflite::GetModel(bytes_.data())->UnPackTo(&model);
    change(model);
    return answer(packed(model));
  }

  const TemporaryFolder folder_;
  const std::filesystem::path file_ = folder_.path() / "model.tflite";
  const std::string bytes_ = written(quantized_zoo_model({"plain", ir::zoo::plain()}));
};

tflite::SubGraphT& graph(tflite::ModelT& model) {
  return *model.subgraphs.front();
}
tflite::OperatorT& op(tflite::ModelT& model, int index) {
  return *graph(model).operators[index];
}
tflite::TensorT& tensor(tflite::ModelT& model, const std::string& name) {
  for (const auto& tensor : graph(model).tensors) {
    if (tensor->name == name) return *tensor;
  }
  throw std::runtime_error("no tensor " + name);
}

TEST_F(TfliteImport, RefusesGraphsThatItDoesNotRead) {
  EXPECT_EQ(refusal([](auto&) {}), "accepted");
  EXPECT_THAT(refusal([](auto& model) { model.version = 2; }), HasSubstr("schema version 2"));
  EXPECT_THAT(refusal([](auto& model) {
                model.subgraphs.push_back(std::make_unique<tflite::SubGraphT>());
              }),
              HasSubstr("2 graphs"));
  EXPECT_THAT(refusal([](auto& model) { graph(model).inputs.push_back(0); }),
              HasSubstr("not one input"));
  EXPECT_THAT(refusal([](auto& model) { graph(model).outputs = {0}; }),
              HasSubstr("not what the last operator gives"));
  EXPECT_THAT(refusal([](auto& model) { graph(model).operators.clear(); }), HasSubstr("output"));
  EXPECT_THAT(refusal([](auto& model) {
                model.operator_codes[0]->builtin_code = static_cast<tflite::BuiltinOperator>(32);
                model.operator_codes[0]->custom_code = "Evil";
              }),
              HasSubstr("operator 0 is of type 32"));
}

TEST_F(TfliteImport, RefusesIndicesOutOfRange) {
  EXPECT_THAT(refusal([](auto& model) { op(model, kConv).opcode_index = 99; }),
              HasSubstr("operator code 99"));
  EXPECT_THAT(refusal([](auto& model) { op(model, kConv).inputs[0] = 1 << 30; }),
              HasSubstr("operator 0 (CONV_2D): tensor 1073741824"));
  EXPECT_THAT(refusal([](auto& model) { op(model, kConv).inputs[0] = -2; }),
              HasSubstr("tensor -2"));
  EXPECT_THAT(refusal([](auto& model) { op(model, kConv).inputs[0] = -1; }),
              HasSubstr("input 0 is missing"));
  EXPECT_THAT(refusal([](auto& model) { op(model, kConv).inputs = {}; }), HasSubstr("0 inputs"));
  EXPECT_THAT(refusal([](auto& model) { op(model, kConv).outputs = {}; }), HasSubstr("one output"));
  EXPECT_THAT(refusal([](auto& model) { op(model, 1).outputs = op(model, 0).outputs; }),
              HasSubstr("there already"));
  EXPECT_THAT(refusal([](auto& model) { tensor(model, "conv2d_0.weight").buffer = 999; }),
              HasSubstr("buffer 999"));
}

TEST_F(TfliteImport, RefusesDataThatAreElsewhereOrOfAnotherLength) {
  const auto buffer = [](tflite::ModelT& model) -> tflite::BufferT& {
    return *model.buffers[tensor(model, "conv2d_0.weight").buffer];
  };
  EXPECT_THAT(refusal([&](auto& model) { buffer(model).offset = 4096; }),
              HasSubstr("external data"));
  EXPECT_THAT(refusal([&](auto& model) { buffer(model).data.pop_back(); }),
              HasSubstr("has 107 bytes, not 108"));
  EXPECT_THAT(refusal([&](auto& model) { buffer(model).data.clear(); }),
              HasSubstr("not a constant"));
  EXPECT_THAT(refusal([](auto& model) { tensor(model, "conv2d_0.weight").type = Type::INT16; }),
              HasSubstr("neither int8 nor int4"));
  EXPECT_THAT(refusal([](auto& model) { tensor(model, "conv2d_0.bias").type = Type::FLOAT32; }),
              HasSubstr("neither int32 nor int64"));
  EXPECT_THAT(refusal([](auto& model) {
                tensor(model, "conv2d_0.weight").sparsity =
                    std::make_unique<tflite::SparsityParametersT>();
              }),
              HasSubstr("sparse"));
  EXPECT_THAT(refusal([](auto& model) { tensor(model, "input").is_variable = true; }),
              HasSubstr("variable"));
}

TEST_F(TfliteImport, RefusesShapesThatDoNotFit) {
  EXPECT_THAT(refusal([](auto& model) { tensor(model, "input").shape[0] = 2; }),
              HasSubstr("neither [1, channels]"));
  EXPECT_THAT(refusal([](auto& model) { tensor(model, "input").shape[1] = 0; }),
              HasSubstr("axis 1 is 0"));
  EXPECT_THAT(refusal([](auto& model) { tensor(model, "input").shape[1] = 1 << 30; }),
              HasSubstr("axis 1"));
  EXPECT_THAT(refusal([](auto& model) { tensor(model, "input").shape[1] = 11; }),
              HasSubstr("not of the shape that the file declares"));
  EXPECT_THAT(refusal([](auto& model) { tensor(model, "conv2d_0").shape[3] = 5; }),
              HasSubstr("layer '0.conv2d_0'"));
  EXPECT_THAT(refusal([](auto& model) {
                auto& options = *op(model, kConv).builtin_options.AsConv2DOptions();
                options.stride_h = 0;
              }),
              HasSubstr("vertical stride is 0"));
  EXPECT_THAT(refusal([](auto& model) {
                auto& options = *op(model, kConv).builtin_options.AsConv2DOptions();
                options.dilation_w_factor = 1 << 24;
              }),
              HasSubstr("window is too large"));
  EXPECT_THAT(refusal([](auto& model) {
                auto& options = *op(model, kConv).builtin_options.AsConv2DOptions();
                options.fused_activation_function = static_cast<tflite::ActivationFunctionType>(4);
              }),
              HasSubstr("fused activation 4"));
  EXPECT_THAT(refusal([](auto& model) { op(model, kConv).builtin_options.Reset(); }),
              HasSubstr("options are missing"));
}

TEST_F(TfliteImport, RefusesQuantizationThatDoesNotFit) {
  const auto of = [](tflite::ModelT& model, const char* name) -> tflite::QuantizationParametersT& {
    return *tensor(model, name).quantization;
  };
  EXPECT_THAT(refusal([&](auto& model) { of(model, "input").scale = {0}; }),
              HasSubstr("no quantization of 8 bits"));
  EXPECT_THAT(refusal([&](auto& model) {
                of(model, "conv2d_0").scale = {std::numeric_limits<float>::quiet_NaN()};
              }),
              HasSubstr("no quantization"));
  EXPECT_THAT(refusal([&](auto& model) { of(model, "input").zero_point = {128}; }),
              HasSubstr("no quantization"));
  EXPECT_THAT(refusal([](auto& model) { tensor(model, "input").quantization.reset(); }),
              HasSubstr("not one scale"));
  EXPECT_THAT(refusal([&](auto& model) { of(model, "conv2d_0.weight").zero_point[1] = 1; }),
              HasSubstr("weights with a zero point"));
  EXPECT_THAT(refusal([&](auto& model) { of(model, "conv2d_0.weight").scale.pop_back(); }),
              HasSubstr("3 scales, not 1 or 4"));
  EXPECT_THAT(refusal([&](auto& model) { of(model, "conv2d_0.weight").quantized_dimension = 3; }),
              HasSubstr("on axis 3"));
  EXPECT_THAT(refusal([&](auto& model) { of(model, "conv2d_0.bias").scale[0] *= 1000; }),
              HasSubstr("its bias has scale"));
  EXPECT_THAT(refusal([&](auto& model) { of(model, "max_pool_2").scale[0] *= 2; }),
              HasSubstr("differs from that of an input"));
}

TEST_F(TfliteImport, BoundsWhatAliasedBuffersMakeItTake) {
  // Thousands of convolutions that share one weight of a megabyte: a small file.
  const std::string message = refusal([](tflite::ModelT& model) {
    auto& weight = tensor(model, "conv2d_0.weight");
    model.buffers[weight.buffer]->data.assign(3 << 20, 1);
    weight.shape = {1 << 20, 1, 1, 3};
    weight.quantization->scale = {1};
    weight.quantization->zero_point = {0};
    auto& output = tensor(model, "conv2d_0");
    output.shape[3] = 1 << 20;
    auto bias = std::make_unique<tflite::OperatorT>(op(model, kConv));
    bias->inputs.pop_back();
    graph(model).operators.clear();
    for (int i = 0; i < 200; ++i) {
      graph(model).tensors.push_back(std::make_unique<tflite::TensorT>(output));
      auto copy = std::make_unique<tflite::OperatorT>(*bias);
      copy->outputs = {static_cast<int>(graph(model).tensors.size()) - 1};
      graph(model).operators.push_back(std::move(copy));
    }
  });
  EXPECT_THAT(message, HasSubstr("too much memory"));
}

TEST_F(TfliteImport, GivesAnErrorOrANetworkForMutatedFiles) {
  const char* const asked = std::getenv("HWNAS_MUTATIONS");
  const int trials = asked != nullptr ? std::atoi(asked) : 300;
  const ir::zoo::ZooNetwork gate{"flat_gate", flat_gate()};
  const ir::zoo::ZooNetwork paddings{"explicit_paddings", explicit_paddings()};
  const std::string files[] = {
      bytes_, written(zoo_model(gate)), written(quantized_zoo_model(paddings)),
      written(quantized_zoo_model(gate, {.default_format = ir::WeightFormat::kInt4}))};
  Rng rng(31);
  int refused = 0;
  for (int trial = 0; trial < trials; ++trial) {
    refused += answer(mutated(files[trial % std::size(files)], rng)) != "accepted";
  }
  EXPECT_GT(refused, trials / 4);
}

class MlperfTiny : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const char* const data = std::getenv("HWNAS_DATA");
    file_ = (data != nullptr ? std::filesystem::path(data)
                             : std::filesystem::path(HWNAS_SOURCE_DIR) / "../shared/data") /
            "mlperf_tiny_models" / GetParam();
    if (!std::filesystem::exists(file_)) GTEST_SKIP() << "no " << file_ << ": set HWNAS_DATA";
  }
  std::filesystem::path file_;
};

// Multiply-accumulates and parameters: Banbury et al., "MLPerf Tiny Benchmark", 2021, and its
// models' Keras summaries (batch norms folded).
TEST_P(MlperfTiny, IsRead) {
  const TfliteNetwork read = import_tflite(file_);
  const auto* const integer = std::get_if<ir::QuantizedNetwork>(&read);
  const ir::Network network =
      integer != nullptr ? ir::as_network(*integer) : std::get<ir::FoldedNetwork>(read).network;
  const bool is_resnet = std::string_view(GetParam()).starts_with("ic");
  EXPECT_EQ(integer != nullptr, std::string_view(GetParam()).ends_with("int8.tflite"));
  EXPECT_EQ(ir::macs(network), is_resnet ? 12'501'632 : 2'656'768);
  EXPECT_EQ(ir::parameters(network), is_resnet ? 77'706 : 22'604);
}
INSTANTIATE_TEST_SUITE_P(Models, MlperfTiny,
                         testing::Values("ic_resnet8_float.tflite", "ic_resnet8_int8.tflite",
                                         "kws_dscnn_float.tflite", "kws_dscnn_int8.tflite"),
                         [](const auto& test) {
                           const std::string name = test.param;
                           return name.substr(0, name.find('.'));
                         });

}  // namespace
}  // namespace hwnas::exporters
