#pragma once

#include <optional>

#include "core/error.hpp"
#include "exporters/tflite_reader.hpp"

namespace hwnas::exporters {

/// One operator of the graph, whose parts are checked when they are asked for.
class TfliteOp {
 public:
  TfliteOp(const TfliteReader& reader, int position) : reader_(reader), op_(reader.at(position)) {}

  void require_inputs(int min, int max) const {
    if (inputs() < min || inputs() > max) throw invalid_argument("has {} inputs", inputs());
  }
  int inputs() const {
    return op_.inputs() == nullptr ? 0 : static_cast<int>(op_.inputs()->size());
  }
  bool has_input(int position) const {
    return position < inputs() && op_.inputs()->Get(position) != -1;
  }
  int input(int position) const {
    if (!has_input(position)) throw invalid_argument("input {} is missing", position);
    reader_.require_tensor(op_.inputs()->Get(position));
    return op_.inputs()->Get(position);
  }
  int output() const {
    if (op_.outputs() == nullptr || op_.outputs()->size() != 1)
      throw invalid_argument("has not one output");
    reader_.require_tensor(op_.outputs()->Get(0));
    return op_.outputs()->Get(0);
  }

  template <typename Options>
  const Options& options() const {
    const auto* const found = op_.builtin_options_as<Options>();
    if (found == nullptr) throw invalid_argument("its options are missing");
    return *found;
  }

  int extent(const char* what, int value) const {
    if (value < 1 || value > kMaxTfliteExtent) throw invalid_argument("{} is {}", what, value);
    return value;
  }

  /// The activation that is fused into it.
  std::optional<ir::ActivationKind> clamp(tflite::ActivationFunctionType type) const {
    switch (type) {
      case tflite::ActivationFunctionType::NONE:
        return std::nullopt;
      case tflite::ActivationFunctionType::RELU:
        return ir::ActivationKind::kRelu;
      case tflite::ActivationFunctionType::RELU6:
        return ir::ActivationKind::kRelu6;
    }
    throw invalid_argument("fused activation {} is not read", static_cast<int>(type));
  }

 private:
  const TfliteReader& reader_;
  const tflite::Operator& op_;
};

}  // namespace hwnas::exporters
