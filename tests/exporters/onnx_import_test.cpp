#include <gmock/gmock.h>
#include <onnx/onnx_pb.h>

#include <numeric>

#include "core/error.hpp"
#include "core/file.hpp"
#include "exporters/onnx.hpp"
#include "tests/exporters/temporary_folder.hpp"

/// Graphs as PyTorch and converters from TensorFlow write them.
namespace hwnas::exporters {
namespace {

using testing::HasSubstr;
using Ints = std::vector<std::int64_t>;

/// Writes a file node by node; names of values are free.
class Graph {
 public:
  explicit Graph(const Ints& input, int opset = 13) {
    model_.set_ir_version(7);
    model_.add_opset_import()->set_version(opset);
    auto& info = *model_.mutable_graph()->add_input();
    info.set_name("x");
    auto& tensor = *info.mutable_type()->mutable_tensor_type();
    tensor.set_elem_type(onnx::TensorProto::FLOAT);
    auto& shape = *tensor.mutable_shape();
    shape.add_dim()->set_dim_param("N");
    for (const std::int64_t extent : input) shape.add_dim()->set_dim_value(extent);
    last_ = "x";
  }

  Graph& floats(const std::string& name, const Ints& dims, const std::vector<float>& values) {
    onnx::TensorProto& tensor = *model_.mutable_graph()->add_initializer();
    tensor.set_name(name);
    tensor.set_data_type(onnx::TensorProto::FLOAT);
    for (const std::int64_t extent : dims) tensor.add_dims(extent);
    for (const float value : values) tensor.add_float_data(value);
    return *this;
  }
  Graph& ints(const std::string& name, const Ints& values) {
    onnx::TensorProto& tensor = *model_.mutable_graph()->add_initializer();
    tensor.set_name(name);
    tensor.set_data_type(onnx::TensorProto::INT64);
    tensor.add_dims(std::ssize(values));
    for (const std::int64_t value : values) tensor.add_int64_data(value);
    return *this;
  }
  /// Appends a node that reads the last value and then `more`; or only `more` if `alone`.
  Graph& node(const std::string& type, const std::vector<std::string>& more = {},
              bool alone = false) {
    onnx::NodeProto& node = *model_.mutable_graph()->add_node();
    node.set_op_type(type);
    if (!alone) node.add_input(last_);
    for (const std::string& input : more) node.add_input(input);
    last_ = "v" + std::to_string(model_.graph().node_size());
    node.add_output(last_);
    return *this;
  }
  Graph& with(const std::string& name, const Ints& values) {
    onnx::AttributeProto& attribute = *last_node().add_attribute();
    attribute.set_name(name);
    attribute.set_type(onnx::AttributeProto::INTS);
    for (const std::int64_t value : values) attribute.add_ints(value);
    return *this;
  }
  Graph& with(const std::string& name, std::int64_t value) {
    onnx::AttributeProto& attribute = *last_node().add_attribute();
    attribute.set_name(name);
    attribute.set_type(onnx::AttributeProto::INT);
    attribute.set_i(value);
    return *this;
  }
  Graph& with(const std::string& name, const std::string& value) {
    onnx::AttributeProto& attribute = *last_node().add_attribute();
    attribute.set_name(name);
    attribute.set_type(onnx::AttributeProto::STRING);
    attribute.set_s(value);
    return *this;
  }
  const std::string& last() const { return last_; }

  std::string bytes() {
    model_.mutable_graph()->clear_output();
    model_.mutable_graph()->add_output()->set_name(last_);
    return model_.SerializeAsString();
  }

 private:
  onnx::NodeProto& last_node() { return *model_.mutable_graph()->mutable_node()->rbegin(); }

  onnx::ModelProto model_;
  std::string last_;
};

std::vector<float> counted(std::size_t count, float step = 1) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = step * static_cast<float>(i + 1);
  return values;
}

Model imported(Graph graph) {
  const TemporaryFolder folder;
  write_file_atomically(folder.path() / "model.onnx", graph.bytes());
  return import_onnx(folder.path() / "model.onnx");
}

std::string refusal(const Graph& graph) {
  try {
    imported(graph);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(error.what(), HasSubstr("model.onnx"));
    return error.what();
  }
  return "accepted";
}

std::vector<float> outputs(const Graph& graph, const std::vector<float>& input) {
  const Model model = imported(graph);
  std::vector<float> normal = input;
  const std::size_t pixels = input.size() / static_cast<std::size_t>(model.network.input.channels);
  for (std::size_t i = 0; i < input.size() && !model.normalisation.mean.empty(); ++i) {
    normal[i] =
        (input[i] - model.normalisation.mean[i / pixels]) / model.normalisation.std_dev[i / pixels];
  }
  return ir::run_reference(model.network, model.weights, normal);
}

TEST(OnnxImport, FoldsBatchNormalization) {
  Graph graph({1, 2, 2}, 9);
  graph.floats("w", {2, 1, 1, 1}, {1, 2}).node("Conv", {"w"}).with("kernel_shape", Ints{1, 1});
  graph.floats("scale", {2}, {2, 3}).floats("b", {2}, {1, 0}).floats("m", {2}, {1, 2});
  graph.floats("v", {2}, {1, 4}).node("BatchNormalization", {"scale", "b", "m", "v"});
  const Model model = imported(graph);
  EXPECT_EQ(model.network.layers.size(), 1U);
  EXPECT_THAT(outputs(graph, {1, 2, 3, 4}),
              testing::Pointwise(testing::FloatNear(1e-4F), {1, 3, 5, 7, 0, 3, 6, 9}));
}

TEST(OnnxImport, TakesTheNormalisationOutOfTheGraph) {
  Graph graph({2, 1, 1});
  graph.floats("m", {2, 1, 1}, {1, 2}).floats("s", {1, 2, 1, 1}, {2, 4}).floats("k", {}, {0.5F});
  graph.node("Mul", {"k"}).node("Sub", {"m"}).node("Div", {"s"});
  graph.node("GlobalAveragePool");
  const Model model = imported(graph);
  EXPECT_EQ(model.network.layers.size(), 1U);
  // (0.5x − m)/s
  EXPECT_THAT(model.normalisation.mean, testing::ElementsAre(2, 4));
  EXPECT_THAT(model.normalisation.std_dev, testing::ElementsAre(4, 8));
  graph.node("Add", {"x"});
  EXPECT_THAT(refusal(graph), HasSubstr("before and after its normalisation"));
}

TEST(OnnxImport, TurnsMatMulAndAddIntoOneLayer) {
  Graph graph({3});
  graph.floats("w", {3, 2}, {1, 2, 3, 4, 5, 6}).floats("b", {2}, {10, 20});
  graph.node("MatMul", {"w"}).node("Add", {"b"});
  EXPECT_EQ(imported(graph).network.layers.size(), 1U);
  EXPECT_THAT(outputs(graph, {1, 10, 100}), testing::ElementsAre(541, 662));
}

TEST(OnnxImport, ReadsGemmInBothOrders) {
  Graph graph({2});
  graph.floats("w", {2, 2}, {1, 2, 3, 4});
  EXPECT_THAT(outputs(Graph(graph).node("Gemm", {"w"}), {1, 10}), testing::ElementsAre(31, 42));
  EXPECT_THAT(outputs(Graph(graph).node("Gemm", {"w"}).with("transB", 1), {1, 10}),
              testing::ElementsAre(21, 43));
}

TEST(OnnxImport, ReadsTheFormsOfActivations) {
  Graph graph({1, 1, 4});
  graph.floats("zero", {}, {0}).floats("six", {}, {6});
  const std::vector<float> input = {-4, 1, 3, 9};
  EXPECT_THAT(outputs(Graph(graph).node("Clip", {"zero", "six"}), input),
              testing::ElementsAre(0, 1, 3, 6));
  EXPECT_THAT(outputs(Graph(graph).node("Clip", {"zero"}), input),
              testing::ElementsAre(0, 1, 3, 9));
  EXPECT_THAT(outputs(Graph(graph).node("HardSwish"), input),
              testing::ElementsAre(0, 4.0F / 6, 3, 9));
  EXPECT_THAT(refusal(Graph(graph).node("HardSigmoid")), HasSubstr("alpha is 0.2"));
  EXPECT_THAT(refusal(Graph(graph).node("Clip", {"six"})), HasSubstr("clips at 6 from below"));
}

TEST(OnnxImport, PadsLikeTensorFlowWhereAskedTo) {
  Graph graph({1, 1, 4});
  graph.floats("w", {1, 1, 1, 3}, {1, 10, 100});
  const auto convolved = [&](const std::string& rule) {
    return outputs(
        Graph(graph).node("Conv", {"w"}).with("strides", Ints{1, 2}).with("auto_pad", rule),
        {1, 2, 3, 4});
  };
  EXPECT_THAT(convolved("SAME_UPPER"), testing::ElementsAre(321, 43));
  EXPECT_THAT(convolved("SAME_LOWER"), testing::ElementsAre(210, 432));
  EXPECT_THAT(convolved("VALID"), testing::ElementsAre(321));
}

TEST(OnnxImport, CountsPaddedPixelsWhereAskedTo) {
  Graph graph({1, 1, 2});
  graph.node("AveragePool").with("kernel_shape", Ints{1, 3}).with("pads", Ints{0, 1, 0, 1});
  EXPECT_THAT(outputs(graph, {3, 6}), testing::ElementsAre(4.5F, 4.5F));
  EXPECT_THAT(outputs(graph.with("count_include_pad", 1), {3, 6}), testing::ElementsAre(3, 3));
}

TEST(OnnxImport, RefusesACeilModeThatMatters) {
  Graph graph({1, 1, 5});
  graph.node("MaxPool").with("kernel_shape", Ints{1, 1}).with("ceil_mode", 1);
  EXPECT_EQ(refusal(Graph(graph).with("strides", Ints{1, 2})), "accepted");
  EXPECT_THAT(refusal(Graph(graph).with("strides", Ints{1, 3})), HasSubstr("ceil_mode"));
}

TEST(OnnxImport, ReadsEveryWayToFlatten) {
  Graph graph({2, 1, 2});
  graph.ints("flat", {0, -1}).ints("static", {1, 4}).ints("wrong", {2, 2});
  graph.floats("w", {1, 4}, {1, 10, 100, 1000});
  const std::vector<float> input = {1, 2, 3, 4};
  const auto flattened = [&](const Graph& to) {
    return outputs(Graph(to).node("Gemm", {"w"}).with("transB", 1), input);
  };
  EXPECT_THAT(flattened(Graph(graph).node("Flatten")), testing::ElementsAre(4321));
  EXPECT_THAT(flattened(Graph(graph).node("Reshape", {"flat"})), testing::ElementsAre(4321));
  EXPECT_THAT(flattened(Graph(graph).node("Reshape", {"static"})), testing::ElementsAre(4321));
  EXPECT_THAT(refusal(Graph(graph).node("Reshape", {"wrong"})), HasSubstr("Reshape"));
}

TEST(OnnxImport, ReadsTheShapeArithmeticOfView) {
  Graph graph({2, 1, 2}, 12);
  graph.ints("zero", {0}).ints("rest", {-1});
  graph.node("Shape").node("Gather", {"zero"});
  const std::string batch = graph.last();
  graph.node("Concat", {batch, "rest"}, /*alone=*/true).with("axis", 0);
  const std::string shape = graph.last();
  graph.node("Reshape", {"x", shape}, /*alone=*/true);
  EXPECT_THAT(outputs(graph, {1, 2, 3, 4}), testing::ElementsAre(1, 2, 3, 4));
}

TEST(OnnxImport, ReadsMeansOverHeightAndWidth) {
  Graph graph({2, 1, 2});
  EXPECT_THAT(outputs(Graph(graph).node("ReduceMean").with("axes", Ints{-1, -2}), {1, 3, 5, 9}),
              testing::ElementsAre(2, 7));
  EXPECT_THAT(refusal(Graph(graph).node("ReduceMean").with("axes", Ints{1, 2})),
              HasSubstr("height and width"));
}

TEST(OnnxImport, ReadsNetworksThatTakeNhwc) {
  Graph graph({1, 2, 3});  // height 1, width 2, channels 3
  graph.floats("m", {3}, {1, 2, 3}).floats("w", {1, 3, 1, 1}, {1, 10, 100});
  graph.node("Sub", {"m"}).node("Transpose").with("perm", Ints{0, 3, 1, 2});
  graph.node("Conv", {"w"}).node("GlobalAveragePool");
  EXPECT_EQ(imported(graph).network.input, (ir::Shape{3, 1, 2}));
  // NCHW: channel by channel.
  EXPECT_THAT(outputs(graph, {1, 2, 3, 4, 5, 6}), testing::ElementsAre(265.5F));
}

TEST(OnnxImport, ReadsSignalsOfRankThree) {
  Graph graph({2, 4});
  graph.floats("w", {1, 2, 2}, {1, 10, 100, 1000});
  graph.node("Conv", {"w"}).with("strides", Ints{2}).with("kernel_shape", Ints{2});
  EXPECT_EQ(imported(graph).network.input, (ir::Shape{2, 1, 4}));
  EXPECT_THAT(outputs(graph, counted(8)), testing::ElementsAre(6521, 8743));
}

TEST(OnnxImport, ReadsConstantNodesAndDropout) {
  Graph graph({1, 1, 2});
  graph.node("Constant", {}, /*alone=*/true);
  const std::string constant = graph.last();
  std::string bytes = graph.bytes();
  onnx::ModelProto model;
  ASSERT_TRUE(model.ParseFromString(bytes));
  auto& attribute = *model.mutable_graph()->mutable_node(0)->add_attribute();
  attribute.set_name("value");
  attribute.set_type(onnx::AttributeProto::TENSOR);
  attribute.mutable_t()->set_data_type(onnx::TensorProto::FLOAT);
  attribute.mutable_t()->add_float_data(2);
  auto& relu = *model.mutable_graph()->add_node();
  relu.set_op_type("Relu");
  relu.add_input("x");
  relu.add_output("r");
  auto& dropout = *model.mutable_graph()->add_node();
  dropout.set_op_type("Dropout");
  dropout.add_input("r");
  dropout.add_output("d");
  auto& scaled = *model.mutable_graph()->add_node();
  scaled.set_op_type("Mul");
  scaled.add_input(constant);
  scaled.add_input("d");
  scaled.add_output("y");
  model.mutable_graph()->mutable_output(0)->set_name("y");
  const TemporaryFolder folder;
  write_file_atomically(folder.path() / "model.onnx", model.SerializeAsString());
  const Model read = import_onnx(folder.path() / "model.onnx");
  EXPECT_THAT(ir::run_reference(read.network, read.weights, {-1, 3}), testing::ElementsAre(0, 6));
}

TEST(OnnxImport, NamesLayersAfterNodesOrTheirOutputs) {
  Graph graph({1, 1, 1});
  graph.node("Relu").node("Relu");
  const Model model = imported(graph);
  EXPECT_EQ(model.network.layers[0].name, "v1");
  EXPECT_EQ(model.network.layers[1].name, "v2");
}

TEST(OnnxImport, RefusesConstantsThatAreUsedUntilTheMemoryIsFull) {
  Graph graph({1, 1, 1});
  constexpr int kChannels = 1 << 20;
  graph.floats("w", {kChannels, 1, 1, 1}, std::vector<float>(kChannels));
  const std::string wide = Graph(graph).node("Conv", {"w"}).bytes();
  for (int i = 0; i < 13; ++i) graph.node("Conv", {"x", "w"}, /*alone=*/true);
  EXPECT_THAT(refusal(graph), HasSubstr("as often as they are used"));
}

}  // namespace
}  // namespace hwnas::exporters
