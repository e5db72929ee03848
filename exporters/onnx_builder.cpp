#include "exporters/onnx_builder.hpp"

#include <onnx/checker.h>
#include <onnx/defs/schema.h>
#include <onnx/shape_inference/implementation.h>

#include <algorithm>

#include "core/error.hpp"
#include "core/file.hpp"

namespace hwnas::exporters {

namespace {

int newest_known_opset() {
  const auto& versions = onnx::OpSchemaRegistry::DomainToVersionRange::Instance().Map();
  return versions.at(onnx::ONNX_DOMAIN).second;
}

/// The ONNX project's own checks; they compare the declared shapes with the inferred ones.
void check(onnx::ModelProto proto) {
  try {
    onnx::checker::check_model(proto);
    onnx::shape_inference::InferShapes(
        proto, onnx::OpSchemaRegistry::Instance(),
        onnx::ShapeInferenceOptions{/*check_type=*/true, /*error_mode=*/1,
                                    /*enable_data_propagation=*/true});
  } catch (const std::exception& refusal) {
    throw error(ErrorCode::kInternal, "model '{}': the ONNX checker refuses what was written: {}",
                proto.graph().name(), refusal.what());
  }
}

}  // namespace

onnx::ValueInfoProto OnnxBuilder::value_info(const OnnxValue& value) {
  onnx::ValueInfoProto info;
  info.set_name(value.name);
  auto& tensor = *info.mutable_type()->mutable_tensor_type();
  tensor.set_elem_type(value.type);
  auto& shape = *tensor.mutable_shape();
  shape.add_dim()->set_dim_param("batch");
  shape.add_dim()->set_dim_value(value.shape.channels);
  if (value.rank == 4) {
    shape.add_dim()->set_dim_value(value.shape.height);
    shape.add_dim()->set_dim_value(value.shape.width);
  }
  return info;
}

void OnnxBuilder::append(const char* type, const std::string& name,
                         const std::vector<std::string>& inputs, onnx::ValueInfoProto output) {
  if (!pending_.name().empty()) *graph_.add_value_info() = pending_;
  onnx::NodeProto& node = *graph_.add_node();
  node.set_op_type(type);
  node.set_name(name);
  for (const std::string& input : inputs) node.add_input(input);
  node.add_output(output.name());
  pending_ = std::move(output);
}

OnnxValue OnnxBuilder::node(const char* type, const std::string& name,
                            const std::vector<std::string>& inputs, OnnxValue result) {
  result.name = name + (name.find(':') == std::string::npos ? ":0" : "");
  append(type, name, inputs, value_info(result));
  return result;
}

void OnnxBuilder::constant_node(const char* type, const std::string& name,
                                const std::vector<std::string>& inputs,
                                const std::vector<std::int64_t>& shape) {
  onnx::ValueInfoProto info;
  info.set_name(name);
  auto& tensor = *info.mutable_type()->mutable_tensor_type();
  tensor.set_elem_type(onnx::TensorProto::FLOAT);
  for (const std::int64_t extent : shape) {
    tensor.mutable_shape()->add_dim()->set_dim_value(extent);
  }
  append(type, name, inputs, std::move(info));
}

onnx::AttributeProto& OnnxBuilder::attribute(const char* name,
                                             onnx::AttributeProto::AttributeType type) {
  onnx::AttributeProto& attribute = *graph_.mutable_node()->rbegin()->add_attribute();
  attribute.set_name(name);
  attribute.set_type(type);
  return attribute;
}

void OnnxBuilder::set(const char* name, std::int64_t value) {
  attribute(name, onnx::AttributeProto::INT).set_i(value);
}

void OnnxBuilder::set(const char* name, float value) {
  attribute(name, onnx::AttributeProto::FLOAT).set_f(value);
}

void OnnxBuilder::set(const char* name, const std::vector<std::int64_t>& values) {
  onnx::AttributeProto& it = attribute(name, onnx::AttributeProto::INTS);
  for (const std::int64_t value : values) it.add_ints(value);
}

void OnnxBuilder::set(const ir::Window& window) {
  const auto& [top, left, bottom, right] = window.padding;
  set("kernel_shape", {window.kernel_height, window.kernel_width});
  set("pads", {top, left, bottom, right});
  set("strides", {window.stride_height, window.stride_width});
}

std::string OnnxBuilder::constant(const std::string& name, int type,
                                  const std::vector<std::int64_t>& shape, const void* data,
                                  std::size_t bytes) {
  for (const auto& written : graph_.initializer()) {
    if (written.name() == name) return name;
  }
  onnx::TensorProto& tensor = *graph_.add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(type);
  for (const std::int64_t extent : shape) tensor.add_dims(extent);
  tensor.set_raw_data(data, bytes);
  return name;
}

std::string OnnxBuilder::constant(const std::string& name, const std::vector<std::int64_t>& shape,
                                  const std::vector<float>& values) {
  return constant(name, onnx::TensorProto::FLOAT, shape, values.data(),
                  values.size() * sizeof(float));
}

std::string OnnxBuilder::constant(const std::string& name, const std::vector<std::int64_t>& shape,
                                  const std::vector<std::int64_t>& values) {
  return constant(name, onnx::TensorProto::INT64, shape, values.data(),
                  values.size() * sizeof(std::int64_t));
}

OnnxValue OnnxBuilder::normalised_input(const ir::Shape& shape,
                                        const data::Normalisation& normalisation) {
  const OnnxValue raw{"input", shape};
  add_input(raw);
  if (normalisation.mean.empty()) return raw;
  const std::vector<std::int64_t> per_channel = {1, shape.channels, 1, 1};
  const std::string mean = constant("input:mean", per_channel, normalisation.mean);
  const std::string std_dev = constant("input:std_dev", per_channel, normalisation.std_dev);
  const OnnxValue centred = node("Sub", "input:centred", {raw.name, mean}, raw);
  return node("Div", "input:normalised", {centred.name, std_dev}, raw);
}

void OnnxBuilder::finish(OnnxValue output, const std::string& name) {
  output.name = name;
  graph_.mutable_node()->rbegin()->set_output(0, name);
  *graph_.add_output() = value_info(output);
}

void OnnxBuilder::add_metadata(const std::string& key, const std::string& value) {
  auto& entry = *proto_.add_metadata_props();
  entry.set_key(key);
  entry.set_value(value);
}

void OnnxBuilder::write(int opset, int ir_version, const std::filesystem::path& file) {
  proto_.set_ir_version(ir_version);
  proto_.set_producer_name("hwnas");
  proto_.add_opset_import()->set_version(opset);
  *proto_.mutable_graph() = std::move(graph_);
  if (opset <= newest_known_opset()) check(proto_);
  std::string bytes;
  if (!proto_.SerializeToString(&bytes)) {
    throw invalid_argument("model '{}': larger than the 2 GiB of an ONNX file",
                           proto_.graph().name());
  }
  write_file_atomically(file, bytes);
}

}  // namespace hwnas::exporters
