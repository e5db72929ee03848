#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "exporters/tflite_builder.hpp"
#include "ir/network.hpp"

namespace hwnas::exporters {

/// A tensor that an operator writes, or the network's input. Flat shapes may have rank 2 (after
/// linear layers) or 4 (after pooling).
struct TfliteValue {
  std::string name;
  int tensor = 0;
  ir::Shape shape;
  int rank = 4;
  std::optional<ir::Quantization> quantization = {};  ///< none: float32
  /// The map that was flattened, if its elements stand in another order than the IR's.
  std::optional<ir::Shape> flattened = {};
};

/// The values of one graph, and what brings them to the form that their readers need.
class TfliteValues {
 public:
  explicit TfliteValues(TfliteBuilder& file) : file_(file) {}

  TfliteValue add(const std::string& name, const ir::Shape& shape, int rank,
                  const std::optional<ir::Quantization>& quantization);

  /// The value with all four axes, and with batch and channels only; one reshape serves all.
  TfliteValue map(const TfliteValue& value);
  TfliteValue flat(const TfliteValue& value);

  /// A reshape of the value to rank 2 or 4, which writes the tensor "<name>".
  TfliteValue reshaped(const TfliteValue& value, const ir::Shape& shape, int rank,
                       const std::string& name);

  enum class PadWith { kZero, kLowest };
  /// The value with explicit padding, written to the tensor "<name>".
  TfliteValue padded(const TfliteValue& value, const ir::Padding& padding, PadWith with,
                     const std::string& name);

  /// The version of an operator that came for the value's type.
  static int version_for(const TfliteValue& value, int real, int int8, int int16);

 private:
  int lowest(const TfliteValue& like, const std::string& name);

  TfliteBuilder& file_;
  std::map<int, TfliteValue> maps_;  ///< by the tensor that was reshaped
  std::map<int, TfliteValue> flats_;
};

}  // namespace hwnas::exporters
