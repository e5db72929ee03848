#include "exporters/onnx.hpp"

#include <gmock/gmock.h>
#include <onnx/onnx_pb.h>

#include <functional>
#include <set>

#include "core/error.hpp"
#include "core/file.hpp"
#include "tests/exporters/temporary_folder.hpp"
#include "tests/exporters/zoo_models.hpp"

namespace hwnas::exporters {
namespace {

using testing::HasSubstr;

class Onnx : public testing::Test {
 protected:
  onnx::ModelProto written(const Model& model) const {
    write_onnx(model, file_);
    onnx::ModelProto proto;
    EXPECT_TRUE(proto.ParseFromString(read_file(file_, 1 << 20)));
    return proto;
  }
  onnx::ModelProto written(const ir::Network& network) const {
    return written(zoo_model({"model", network}));
  }

  /// What the importer says to a written model after `change`.
  std::string refusal(const ir::Network& network,
                      const std::function<void(onnx::ModelProto&)>& change) const {
    onnx::ModelProto proto = written(network);
    change(proto);
    write_file_atomically(file_, proto.SerializeAsString());
    try {
      import_onnx(file_);
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(file_.filename().string()));
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
      return error.what();
    }
    return "accepted";
  }

  const TemporaryFolder folder_;
  const std::filesystem::path file_ = folder_.path() / "model.onnx";
};

std::string shape_text(const onnx::ValueInfoProto& info) {
  std::string text;
  for (const auto& dim : info.type().tensor_type().shape().dim()) {
    text += (text.empty() ? "" : "x") +
            (dim.has_dim_param() ? dim.dim_param() : std::to_string(dim.dim_value()));
  }
  return text;
}

TEST_F(Onnx, HasTheDocumentedInterface) {
  const onnx::ModelProto model = written(ir::zoo::plain());
  EXPECT_EQ(model.graph().input(0).name(), "input");
  EXPECT_EQ(shape_text(model.graph().input(0)), "batchx3x9x7");
  EXPECT_EQ(model.graph().output(0).name(), "logits");
  EXPECT_EQ(shape_text(model.graph().output(0)), "batchx6");
  EXPECT_EQ(shape_text(written(ir::zoo::fully_convolutional()).graph().output(0)), "batchx2x2x2");
  EXPECT_EQ(model.opset_import(0).version(), 14);
}

TEST_F(Onnx, NormalisesFirst) {
  const onnx::ModelProto model = written(ir::zoo::plain());
  EXPECT_EQ(model.graph().node(0).op_type(), "Sub");
  EXPECT_EQ(model.graph().node(1).op_type(), "Div");
  Model raw = zoo_model({"plain", ir::zoo::plain()});
  raw.normalisation = {};
  EXPECT_EQ(written(raw).graph().node(0).op_type(), "Conv");
}

TEST_F(Onnx, KeepsLayerNamesAndFoldsBatchNorm) {
  for (const auto& [name, network] : ir::zoo::networks()) {
    std::set<std::string> nodes;
    const onnx::ModelProto model = written(network);
    for (const auto& node : model.graph().node()) {
      EXPECT_NE(node.op_type(), "BatchNormalization");
      EXPECT_TRUE(nodes.insert(node.name()).second) << node.name();
    }
    const ir::Network folded = ir::fold_batch_norm(ir::remove_dead_layers(network));
    for (const ir::Layer& layer : folded.layers) {
      EXPECT_TRUE(nodes.contains(layer.name)) << name << " " << layer.name;
    }
  }
}

TEST_F(Onnx, StatesTheShapeOfEveryValue) {
  for (const auto& [name, network] : ir::zoo::networks()) {
    const onnx::ModelProto model = written(network);
    // All nodes' outputs but the last, which is the graph's output.
    EXPECT_EQ(model.graph().value_info_size() + 1, model.graph().node_size()) << name;
  }
}

TEST_F(Onnx, GivesFlatValuesTheRankTheirReadersNeed) {
  // A squeeze-and-excite gate of linear layers; both factors of the last product have rank 2.
  ir::zoo::Builder net({4, 3, 3});
  const int squeezed = net.add(ir::GlobalAveragePool{}, {ir::kNetworkInput});
  net.add(ir::Linear{2}, {squeezed});
  const int gate = net.add(ir::Linear{4});
  const int gated = net.add(ir::Mul{}, {ir::kNetworkInput, gate});
  const int pooled = net.add(ir::GlobalAveragePool{}, {gated});
  const int mixed = net.add(ir::Add{}, {pooled, gate, gate});
  net.add(ir::Concat{}, {gate, mixed});
  net.add(ir::Linear{3});
  const int sharp = net.add(ir::Activation{ir::ActivationKind::kHardSigmoid});
  net.add(ir::Mul{}, {sharp, sharp});
  const Model model = zoo_model({"ranks", net.take()});
  EXPECT_NO_THROW(export_model(model, "onnx", folder_.path(), probes(model, 2)));
}

TEST_F(Onnx, KeepsAZeroThatOthersRead) {
  ir::zoo::Builder net({2, 5, 5});
  const int none = net.add(ir::Zero{2}, {ir::kNetworkInput});
  net.add(ir::zoo::conv(3, ir::zoo::square(3), 1, true), {none});
  const Model model = zoo_model({"zero", net.take()});
  EXPECT_NO_THROW(export_model(model, "onnx", folder_.path(), probes(model, 2)));
}

TEST_F(Onnx, TakesLayersNamedLikeItsOwnValues) {
  Model model = zoo_model({"names", ir::zoo::plain()});
  const char* const names[] = {"input", "logits", "conv.weight", "clip", "map", "x.flat", "zero"};
  model.weights.layers.clear();
  for (std::size_t i = 0; i < model.network.layers.size(); ++i) {
    model.network.layers[i].name = names[i];
  }
  model.weights = ir::zoo::random_weights(model.network, 3);
  EXPECT_NO_THROW(export_model(model, "onnx", folder_.path(), probes(model, 1)));
}

TEST_F(Onnx, ImportRefusesWhatIsNeverWritten) {
  const ir::Network network = ir::zoo::plain();
  EXPECT_EQ(refusal(network, [](auto&) {}), "accepted");
  EXPECT_THAT(refusal(network,
                      [](auto& model) {
                        auto& tensor = *model.mutable_graph()->mutable_initializer(2);
                        tensor.clear_raw_data();
                        tensor.set_data_location(onnx::TensorProto::EXTERNAL);
                        auto& entry = *tensor.add_external_data();
                        entry.set_key("location");
                        entry.set_value("../../secret");
                      }),
              HasSubstr("external data"));
  EXPECT_THAT(refusal(network,
                      [](auto& model) {
                        model.mutable_graph()->mutable_initializer(2)->set_dims(0, 1LL << 40);
                      }),
              HasSubstr("absurd"));
  EXPECT_THAT(refusal(network,
                      [](auto& model) {
                        model.mutable_graph()->mutable_initializer(2)->set_dims(0, 1 << 20);
                      }),
              HasSubstr("expected"));
  EXPECT_THAT(refusal(network,
                      [](auto& model) {
                        auto& shape = *model.mutable_graph()
                                           ->mutable_input(0)
                                           ->mutable_type()
                                           ->mutable_tensor_type()
                                           ->mutable_shape();
                        shape.mutable_dim(2)->set_dim_value(1LL << 50);
                      }),
              HasSubstr("axis 2"));
  EXPECT_THAT(refusal(network,
                      [](auto& model) {
                        model.mutable_graph()->mutable_node(2)->set_op_type("ConvTranspose");
                      }),
              HasSubstr("'conv2d_0' (ConvTranspose): this operator is not read"));
  EXPECT_THAT(refusal(network,
                      [](auto& model) {
                        auto& attribute = *model.mutable_graph()->mutable_node(2)->add_attribute();
                        attribute.set_name("output_shape");
                        attribute.set_type(onnx::AttributeProto::INTS);
                      }),
              HasSubstr("attributes that are not read"));
  EXPECT_THAT(
      refusal(network,
              [](auto& model) { model.mutable_graph()->mutable_node(2)->set_input(0, "nowhere"); }),
      HasSubstr("'nowhere'"));
  EXPECT_THAT(refusal(network, [](auto& model) { model.mutable_opset_import(0)->set_version(6); }),
              HasSubstr("opset"));
  EXPECT_THAT(refusal(network,
                      [](auto& model) { model.mutable_graph()->mutable_output(0)->set_name("x"); }),
              HasSubstr("'x'"));
  EXPECT_THAT(refusal(network, [](auto& model) { model.mutable_graph()->clear_node(); }),
              HasSubstr("logits"));
}

}  // namespace
}  // namespace hwnas::exporters
