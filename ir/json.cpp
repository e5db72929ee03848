#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "ir/network.hpp"
#include "ir/overloaded.hpp"

namespace hwnas::ir {

namespace {

using Json = nlohmann::json;

// --- writing ---------------------------------------------------------------------------------

/// Writes a key only where the value is not the default.
template <typename T>
void put(Json& json, const char* key, const T& value, const T& fallback) {
  if (value != fallback) json[key] = value;
}

using Pair = std::array<int, 2>;
using Sides = std::array<int, 4>;

void put(Json& json, const Padding& p) {
  put(json, "padding", Sides{p.top, p.left, p.bottom, p.right}, Sides{});
}

void put(Json& json, const Window& window) {
  put(json, "kernel", Pair{window.kernel_height, window.kernel_width}, Pair{1, 1});
  put(json, "stride", Pair{window.stride_height, window.stride_width}, Pair{1, 1});
  put(json, window.padding);
}

void put(Json& json, const Operator& op) {
  json["op"] = operator_name(op);
  std::visit(
      overloaded{
          [&](const Conv2d& conv) {
            json["out_channels"] = conv.out_channels;
            put(json, conv.window);
            put(json, "dilation", Pair{conv.dilation_height, conv.dilation_width}, Pair{1, 1});
            put(json, "groups", conv.groups, 1);
            put(json, "bias", conv.bias, false);
          },
          [&](const Linear& linear) {
            json["out_features"] = linear.out_features;
            put(json, "bias", linear.bias, true);
          },
          [&](const BatchNorm& norm) { put(json, "epsilon", norm.epsilon, BatchNorm{}.epsilon); },
          [&](const Pool& pool) { put(json, pool.window); },
          [&](const Pad& pad) { put(json, pad.padding); },
          [&](const Zero& zero) { put(json, "stride", zero.stride, 1); },
          [](const auto&) {},
      },
      op);
}

// --- reading ---------------------------------------------------------------------------------

/// A JSON object read strictly: keys are taken one by one, and finish() refuses what is left.
class Reader {
 public:
  Reader(const Json& json, std::string path) : json_(json), path_(std::move(path)) {
    if (!json.is_object()) throw invalid_argument("{}: expected an object", path_);
  }

  /// The value of an optional key; null if absent.
  const Json* find(const std::string& key) {
    taken_.push_back(key);
    const auto it = json_.find(key);
    return it == json_.end() ? nullptr : &*it;
  }

  const Json& at(const std::string& key) {
    const Json* const value = find(key);
    if (value == nullptr) throw invalid_argument("{}: the key '{}' is missing", path_, key);
    return *value;
  }

  const Json& list_at(const std::string& key) {
    const Json& value = at(key);
    if (!value.is_array()) throw invalid_argument("{}: expected a list", path_of(key));
    return value;
  }

  std::string string_at(const std::string& key) {
    const Json& value = at(key);
    if (!value.is_string()) throw invalid_argument("{}: expected a string", path_of(key));
    return value.get<std::string>();
  }

  int int_at(const std::string& key) { return to_int(at(key), path_of(key)); }

  int int_or(const std::string& key, int fallback) {
    const Json* const value = find(key);
    return value == nullptr ? fallback : to_int(*value, path_of(key));
  }

  bool bool_or(const std::string& key, bool fallback) {
    const Json* const value = find(key);
    if (value == nullptr) return fallback;
    if (!value->is_boolean()) throw invalid_argument("{}: expected true or false", path_of(key));
    return value->get<bool>();
  }

  float float_or(const std::string& key, float fallback) {
    const Json* const value = find(key);
    if (value == nullptr) return fallback;
    if (!value->is_number()) throw invalid_argument("{}: expected a number", path_of(key));
    return value->get<float>();
  }

  template <std::size_t N>
  std::array<int, N> ints_or(const std::string& key, std::array<int, N> fallback) {
    const Json* const value = find(key);
    return value == nullptr ? fallback : to_ints<N>(*value, path_of(key));
  }

  template <std::size_t N>
  std::array<int, N> ints_at(const std::string& key) {
    return to_ints<N>(at(key), path_of(key));
  }

  std::string path_of(const std::string& key) const { return path_ + "." + key; }

  void finish() const {
    for (const auto& [key, value] : json_.items()) {
      if (std::ranges::find(taken_, key) == taken_.end()) {
        throw invalid_argument("{}: unknown key '{}'", path_, key);
      }
    }
  }

  static int to_int(const Json& value, const std::string& path) {
    constexpr std::int64_t kLimit = std::int64_t{1} << 30;  // wider than any extent accepted later
    const bool fits = value.is_number_unsigned()
                          ? value.get<std::uint64_t>() <= std::uint64_t{kLimit}
                          : value.is_number_integer() && value.get<std::int64_t>() >= -kLimit;
    if (!fits) {
      throw invalid_argument("{}: expected an integer of {}..{}", path, -kLimit, kLimit);
    }
    return value.get<int>();
  }

 private:
  template <std::size_t N>
  static std::array<int, N> to_ints(const Json& value, const std::string& path) {
    if (!value.is_array() || value.size() != N) {
      throw invalid_argument("{}: expected a list of {} integers", path, N);
    }
    std::array<int, N> result;
    for (std::size_t i = 0; i < N; ++i) {
      result[i] = to_int(value[i], fmt::format("{}[{}]", path, i));
    }
    return result;
  }

  const Json& json_;
  std::string path_;
  std::vector<std::string> taken_;
};

Padding read_padding(Reader& reader) {
  const auto [top, left, bottom, right] = reader.ints_or<4>("padding", {});
  return {top, left, bottom, right};
}

Window read_window(Reader& reader) {
  const auto [kernel_height, kernel_width] = reader.ints_or<2>("kernel", {1, 1});
  const auto [stride_height, stride_width] = reader.ints_or<2>("stride", {1, 1});
  return {kernel_height, kernel_width, stride_height, stride_width, read_padding(reader)};
}

Conv2d read_conv2d(Reader& reader) {
  const auto [dilation_height, dilation_width] = reader.ints_or<2>("dilation", {1, 1});
  return {.out_channels = reader.int_at("out_channels"),
          .window = read_window(reader),
          .dilation_height = dilation_height,
          .dilation_width = dilation_width,
          .groups = reader.int_or("groups", 1),
          .bias = reader.bool_or("bias", false)};
}

struct OperatorReader {
  std::string_view name;
  Operator (*read)(Reader& reader);
};

template <ActivationKind kKind>
Operator read_activation(Reader&) {
  return Activation{kKind};
}

template <PoolKind kKind>
Operator read_pool(Reader& reader) {
  return Pool{kKind, read_window(reader)};
}

template <typename T>
Operator read_plain(Reader&) {
  return T{};
}

constexpr OperatorReader kOperatorReaders[] = {
    {"conv2d", [](Reader& reader) -> Operator { return read_conv2d(reader); }},
    {"linear",
     [](Reader& reader) -> Operator {
       return Linear{reader.int_at("out_features"), reader.bool_or("bias", true)};
     }},
    {"batch_norm",
     [](Reader& reader) -> Operator {
       return BatchNorm{reader.float_or("epsilon", BatchNorm{}.epsilon)};
     }},
    {"relu", read_activation<ActivationKind::kRelu>},
    {"relu6", read_activation<ActivationKind::kRelu6>},
    {"hard_swish", read_activation<ActivationKind::kHardSwish>},
    {"hard_sigmoid", read_activation<ActivationKind::kHardSigmoid>},
    {"sigmoid", read_activation<ActivationKind::kSigmoid>},
    {"add", read_plain<Add>},
    {"mul", read_plain<Mul>},
    {"concat", read_plain<Concat>},
    {"max_pool", read_pool<PoolKind::kMax>},
    {"average_pool", read_pool<PoolKind::kAverage>},
    {"global_average_pool", read_plain<GlobalAveragePool>},
    {"flatten", read_plain<Flatten>},
    {"softmax", read_plain<Softmax>},
    {"pad", [](Reader& reader) -> Operator { return Pad{read_padding(reader)}; }},
    {"zero", [](Reader& reader) -> Operator { return Zero{reader.int_or("stride", 1)}; }},
};

Operator read_operator(Reader& reader) {
  const std::string name = reader.string_at("op");
  for (const OperatorReader& row : kOperatorReaders) {
    if (row.name == name) return row.read(reader);
  }
  throw invalid_argument("{}: unknown operator '{}'", reader.path_of("op"), name);
}

Layer read_layer(const Json& json, const std::string& path) {
  Reader reader(json, path);
  Layer layer;
  layer.name = reader.string_at("name");
  layer.op = read_operator(reader);
  for (const Json& input : reader.list_at("inputs")) {
    layer.inputs.push_back(Reader::to_int(input, reader.path_of("inputs")));
  }
  layer.precision = {reader.int_or("weight_bits", Precision{}.weight_bits),
                     reader.int_or("activation_bits", Precision{}.activation_bits)};
  reader.finish();
  return layer;
}

}  // namespace

Json to_json(const Network& network) {
  Json layers = Json::array();
  for (const Layer& layer : network.layers) {
    Json json = {{"name", layer.name}, {"inputs", layer.inputs}};
    put(json, layer.op);
    put(json, "weight_bits", layer.precision.weight_bits, Precision{}.weight_bits);
    put(json, "activation_bits", layer.precision.activation_bits, Precision{}.activation_bits);
    layers.push_back(std::move(json));
  }
  const auto& [channels, height, width] = network.input;
  return {{"input", {channels, height, width}}, {"layers", std::move(layers)}};
}

Network network_from_json(const Json& json) {
  Reader reader(json, "network");
  const auto [channels, height, width] = reader.ints_at<3>("input");
  Network network{.input = {channels, height, width}, .layers = {}};
  for (const Json& layer : reader.list_at("layers")) {
    network.layers.push_back(
        read_layer(layer, fmt::format("network.layers[{}]", network.layers.size())));
  }
  reader.finish();
  verify(network);
  return network;
}

}  // namespace hwnas::ir
