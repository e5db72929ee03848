#include "exporters/tflite_values.hpp"

#include <limits>
#include <utility>

namespace hwnas::exporters {

namespace {

using Code = tflite::BuiltinOperator;
using Type = tflite::TensorType;

TfliteBuilder::Dims dims_of(const ir::Shape& shape, int rank) {
  if (rank == 2) return {1, shape.channels};
  return {1, shape.height, shape.width, shape.channels};
}

}  // namespace

int TfliteValues::version_for(const TfliteValue& value, int real, int int8, int int16) {
  if (!value.quantization) return real;
  return value.quantization->bits == 16 ? int16 : int8;
}

TfliteValue TfliteValues::add(const std::string& name, const ir::Shape& shape, int rank,
                              const std::optional<ir::Quantization>& quantization) {
  return {.name = name,
          .tensor = file_.add_activation(name, dims_of(shape, rank), quantization),
          .shape = shape,
          .rank = rank,
          .quantization = quantization};
}

TfliteValue TfliteValues::reshaped(const TfliteValue& value, const ir::Shape& shape, int rank,
                                   const std::string& name) {
  TfliteValue result = add(name, shape, rank, value.quantization);
  result.flattened = value.flattened;
  const TfliteBuilder::Dims dims = dims_of(shape, rank);
  const int constant = file_.add_constant(name + ":shape", Type::INT32, {rank}, dims);
  tflite::ReshapeOptionsT options;
  options.new_shape = dims;
  file_.add_operator(Code::RESHAPE, 1, {value.tensor, constant}, result.tensor, options);
  return result;
}

TfliteValue TfliteValues::map(const TfliteValue& value) {
  if (value.rank == 4) return value;
  const auto [at, is_new] = maps_.try_emplace(value.tensor);
  if (is_new) at->second = reshaped(value, value.shape, 4, value.name + ":map");
  return at->second;
}

TfliteValue TfliteValues::flat(const TfliteValue& value) {
  if (value.rank == 2) return value;
  const auto [at, is_new] = flats_.try_emplace(value.tensor);
  if (is_new) at->second = reshaped(value, value.shape, 2, value.name + ":flat");
  return at->second;
}

int TfliteValues::lowest(const TfliteValue& like, const std::string& name) {
  if (!like.quantization) {
    return file_.add_constant<float>(name, Type::FLOAT32, {1},
                                     {std::numeric_limits<float>::lowest()});
  }
  const std::int32_t value = like.quantization->lowest();
  const int tensor = like.quantization->bits == 16
                         ? file_.add_constant<std::int16_t>(name, Type::INT16, {1},
                                                            {static_cast<std::int16_t>(value)})
                         : file_.add_constant<std::int8_t>(name, Type::INT8, {1},
                                                           {static_cast<std::int8_t>(value)});
  file_.set_quantization(tensor, *like.quantization);
  return tensor;
}

TfliteValue TfliteValues::padded(const TfliteValue& value, const ir::Padding& padding, PadWith with,
                                 const std::string& name) {
  const auto& [top, left, bottom, right] = padding;
  const ir::Shape shape{value.shape.channels, value.shape.height + top + bottom,
                        value.shape.width + left + right};
  const TfliteValue result = add(name, shape, 4, value.quantization);
  const int pads = file_.add_constant<std::int32_t>(name + ":pads", Type::INT32, {4, 2},
                                                    {0, 0, top, bottom, left, right, 0, 0});
  std::vector<int> inputs = {value.tensor, pads};
  if (with == PadWith::kLowest) inputs.push_back(lowest(value, name + ":lowest"));
  file_.add_operator(with == PadWith::kLowest ? Code::PADV2 : Code::PAD,
                     version_for(value, 1, 2, 3), inputs, result.tensor);
  return result;
}

}  // namespace hwnas::exporters
