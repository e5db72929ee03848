#include <gmock/gmock.h>
#include <onnx/onnx_pb.h>

#include <map>

#include "compression/integer_executor.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "exporters/onnx.hpp"
#include "tests/exporters/temporary_folder.hpp"
#include "tests/exporters/zoo_models.hpp"

namespace hwnas::exporters {
namespace {

using testing::HasSubstr;

std::vector<ir::zoo::ZooNetwork> quantizable_networks() {
  std::vector<ir::zoo::ZooNetwork> networks = ir::zoo::networks();
  std::erase_if(networks, [](const auto& entry) { return !is_quantizable(entry.network); });
  return networks;
}

class OnnxQdq : public testing::Test {
 protected:
  onnx::ModelProto written(const Model& model) const {
    write_onnx_qdq(model, file_);
    onnx::ModelProto proto;
    EXPECT_TRUE(proto.ParseFromString(read_file(file_, 1 << 20)));
    return proto;
  }
  std::string refusal(const Model& model) const {
    try {
      write_onnx_qdq(model, file_);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
      return error.what();
    }
    return "accepted";
  }
  /// What the importer says to a written file after `change`.
  std::string import_refusal(onnx::ModelProto proto) const {
    write_file_atomically(file_, proto.SerializeAsString());
    try {
      import_onnx(file_);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
      return error.what();
    }
    return "accepted";
  }

  const TemporaryFolder folder_;
  const std::filesystem::path file_ = folder_.path() / "model.onnx";
};

const onnx::TensorProto& initializer(const onnx::ModelProto& model, const std::string& name) {
  for (const auto& tensor : model.graph().initializer()) {
    if (tensor.name() == name) return tensor;
  }
  throw invalid_argument("no initializer {}", name);
}

onnx::NodeProto& node(onnx::ModelProto& model, const std::string& name) {
  for (auto& it : *model.mutable_graph()->mutable_node()) {
    if (it.name() == name) return it;
  }
  throw invalid_argument("no node {}", name);
}

/// Every network in every way of storing weights and activations.
struct Case {
  ir::zoo::ZooNetwork network;
  ir::WeightFormat format = ir::WeightFormat::kInt8;
  int activation_bits = 8;
};

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const auto& network : quantizable_networks()) {
    for (const ir::WeightFormatInfo& format : ir::weight_formats()) {
      cases.push_back({network, format.format});
    }
  }
  for (const auto& network : {ir::zoo::signal(), ir::zoo::inverted_residual()}) {
    cases.push_back({{"wide_" + std::to_string(cases.size()), network},
                     ir::WeightFormat::kInt8,
                     /*activation_bits=*/16});
  }
  return cases;
}

class EveryFormat : public testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(Zoo, EveryFormat, testing::ValuesIn(all_cases()), [](const auto& test) {
  return test.param.network.name + "_" + std::string(ir::info(test.param.format).name);
});

TEST_P(EveryFormat, ReadsBackEqual) {
  const TemporaryFolder folder;
  const Model model = quantized_zoo_model(
      GetParam().network,
      {.default_format = GetParam().format, .activation_bits = GetParam().activation_bits});
  write_onnx_qdq(model, folder.path() / "model.onnx");
  const Model read = import_onnx(folder.path() / "model.onnx");
  ASSERT_TRUE(read.quantized);
  EXPECT_TRUE(*read.quantized == *model.quantized);
  EXPECT_EQ(read.normalisation.mean, model.normalisation.mean);
  EXPECT_EQ(read.normalisation.std_dev, model.normalisation.std_dev);
}

TEST_F(OnnxQdq, ReadsBackAsFloatsOfTheSameFunction) {
  const Model model = quantized_zoo_model({"plain", ir::zoo::plain()});
  write_onnx_qdq(model, file_);
  const Model read = import_onnx(file_);
  const std::vector<float> input =
      normalised(model.normalisation, model.network.input, probes(model, 1).front());
  const std::vector<float> integer =
      ir::dequantize(model.quantized->layers.back().output,
                     compression::IntegerExecutor(*model.quantized)
                         .run(ir::quantize(model.quantized->input_quantization, input)));
  EXPECT_THAT(ir::run_reference(read.network, read.weights, input),
              testing::Pointwise(testing::FloatNear(0.1F), integer));
}

TEST_F(OnnxQdq, TakesTheLowestOpsetThatHasWhatIsUsed) {
  const auto opset = [&](const ir::Network& network, const compression::BitWidths& widths = {}) {
    return written(quantized_zoo_model({"model", network}, widths)).opset_import(0).version();
  };
  EXPECT_EQ(opset(ir::zoo::plain()), 13);
  EXPECT_EQ(opset(ir::zoo::squeeze_excite()), 14);
  EXPECT_EQ(opset(ir::zoo::plain(), {.default_format = ir::WeightFormat::kInt4}), 21);
}

TEST_F(OnnxQdq, StoresActivationsAsUint8AndFourBitWeightsTwoAByte) {
  Model model =
      quantized_zoo_model({"plain", ir::zoo::plain()}, {.default_format = ir::WeightFormat::kInt4});
  ir::QuantizedLayer& conv = model.quantized->layers.front();
  conv.weight[0] = 3;
  conv.weight[1] = -2;
  const onnx::ModelProto proto = written(model);
  const auto zero = static_cast<std::uint8_t>(
      initializer(proto, "input:normalised:zero_point").raw_data().front());
  EXPECT_EQ(zero, model.quantized->input_quantization.zero_point + 128);
  const onnx::TensorProto& weight = initializer(proto, conv.name + ".weight");
  EXPECT_EQ(weight.raw_data().size(), (conv.weight.size() + 1) / 2);
  EXPECT_EQ(static_cast<std::uint8_t>(weight.raw_data().front()), 0xE3);
}

TEST_F(OnnxQdq, PutsEveryOperatorBetweenDequantizeAndQuantize) {
  for (const auto& entry : quantizable_networks()) {
    const onnx::ModelProto proto = written(quantized_zoo_model(entry));
    std::map<std::string, std::string> producer;  // of each value: operator
    for (const auto& it : proto.graph().node()) {
      const bool is_kernel = it.op_type() != "QuantizeLinear" &&
                             it.op_type() != "DequantizeLinear" && it.op_type() != "Sub" &&
                             it.op_type() != "Div" &&
                             it.name().find(":activation") == std::string::npos;
      if (is_kernel) {
        EXPECT_EQ(producer[it.input(0)], "DequantizeLinear") << entry.name << " " << it.name();
      }
      producer[it.output(0)] = it.op_type();
    }
    EXPECT_EQ(producer["logits"], "DequantizeLinear") << entry.name;
  }
}

TEST_F(OnnxQdq, RefusesWhatHasNoForm) {
  EXPECT_THAT(refusal(zoo_model({"plain", ir::zoo::plain()})), HasSubstr("is not quantized"));
  Model model = quantized_zoo_model({"signal", ir::zoo::signal()}, {.activation_bits = 16});
  model.quantized->layers.front().bias.front() = std::int64_t{1} << 40;
  EXPECT_THAT(refusal(model), HasSubstr("does not fit the int32"));
}

TEST_F(OnnxQdq, ImportRefusesAGraphThatIsNotQuantizedThroughout) {
  const Model model = quantized_zoo_model({"plain", ir::zoo::plain()});
  const std::string conv = model.quantized->layers.front().name;
  const onnx::ModelProto good = written(model);

  onnx::ModelProto proto = good;
  node(proto, conv).set_input(0, "input:normalised");
  EXPECT_THAT(import_refusal(proto), HasSubstr("has passed no QuantizeLinear"));

  proto = good;
  node(proto, conv).set_input(1, conv + ".weight");
  EXPECT_THAT(import_refusal(proto), HasSubstr("is not float32"));

  proto = good;
  node(proto, conv + ":input0").set_input(1, conv + ":scale");
  EXPECT_THAT(import_refusal(proto), HasSubstr("differs from the QuantizeLinear's"));

  proto = good;
  node(proto, conv + ":bias").set_input(1, conv + ":weight:scale");
  EXPECT_THAT(import_refusal(proto), HasSubstr("not that of input x weight"));
}

TEST_F(OnnxQdq, ImportTakesInt8ActivationsAndFloatBiases) {
  const Model model = quantized_zoo_model({"plain", ir::zoo::plain()});
  onnx::ModelProto proto = written(model);
  const ir::QuantizedLayer& conv = model.quantized->layers.front();
  for (auto& tensor : *proto.mutable_graph()->mutable_initializer()) {
    if (tensor.data_type() == onnx::TensorProto::UINT8) {
      tensor.set_data_type(onnx::TensorProto::INT8);
      tensor.mutable_raw_data()->front() = static_cast<char>(tensor.raw_data().front() - 128);
    }
    if (tensor.name() == conv.name + ".bias") {
      tensor.set_name("unused");
      tensor.clear_dims();
    }
  }
  onnx::TensorProto& bias = *proto.mutable_graph()->add_initializer();
  bias.set_name("float_bias");
  bias.set_data_type(onnx::TensorProto::FLOAT);
  bias.add_dims(std::ssize(conv.bias));
  for (std::size_t c = 0; c < conv.bias.size(); ++c) {
    bias.add_float_data(static_cast<float>(conv.bias[c]) *
                        model.quantized->input_quantization.scale * conv.weight_scales[c]);
  }
  node(proto, conv.name).set_input(2, "float_bias");
  auto& nodes = *proto.mutable_graph()->mutable_node();
  for (int i = 0; i < nodes.size(); ++i) {
    if (nodes[i].name() == conv.name + ":bias") nodes.DeleteSubrange(i, 1);
  }
  write_file_atomically(file_, proto.SerializeAsString());
  EXPECT_TRUE(*import_onnx(file_).quantized == *model.quantized);
}

}  // namespace
}  // namespace hwnas::exporters
