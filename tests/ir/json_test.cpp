#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "tests/ir/network_zoo.hpp"

namespace hwnas::ir {
namespace {

using nlohmann::json;
using testing::HasSubstr;

std::string refusal(const json& value) {
  try {
    network_from_json(value);
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

class Json : public testing::TestWithParam<zoo::ZooNetwork> {};
INSTANTIATE_TEST_SUITE_P(Zoo, Json, testing::ValuesIn(zoo::networks()),
                         [](const auto& test) { return test.param.name; });

TEST_P(Json, RoundTripsThroughText) {
  const Network& network = GetParam().network;
  const std::string text = to_json(network).dump();
  EXPECT_EQ(network_from_json(json::parse(text)), network);
}

TEST_P(Json, EveryKeyOfALayerMattersOrIsRefusedWhenRenamed) {
  const json whole = to_json(GetParam().network);
  for (std::size_t i = 0; i < whole["layers"].size(); ++i) {
    for (const auto& [key, value] : whole["layers"][i].items()) {
      json changed = whole;
      changed["layers"][i].erase(key);
      changed["layers"][i][key + "_"] = value;
      EXPECT_NE(refusal(changed), "accepted") << key;
    }
  }
}

TEST(JsonText, LeavesDefaultsOut) {
  zoo::Builder net({3, 8, 8});
  net.add(zoo::conv(4, zoo::square(3, 2)));
  net.add(Activation{ActivationKind::kHardSwish});
  EXPECT_EQ(to_json(net.take()), json::parse(R"({"input": [3, 8, 8], "layers": [
              {"name": "conv2d_0", "op": "conv2d", "inputs": [-1], "out_channels": 4,
               "kernel": [3, 3], "stride": [2, 2], "padding": [1, 1, 1, 1]},
              {"name": "hard_swish_1", "op": "hard_swish", "inputs": [0]}]})"));
}

TEST(JsonText, RefusalsSayWhere) {
  json valid = to_json(zoo::plain());
  const auto with = [&](const char* pointer, const json& value) {
    json changed = valid;
    changed[json::json_pointer(pointer)] = value;
    return refusal(changed);
  };
  EXPECT_EQ(refusal(valid), "accepted");
  EXPECT_THAT(refusal(json::array()), HasSubstr("network: expected an object"));
  EXPECT_THAT(refusal(json::object()), HasSubstr("the key 'input' is missing"));
  EXPECT_THAT(with("/input", {3, 8}), HasSubstr("network.input: expected a list of 3"));
  EXPECT_THAT(with("/input/1", 8.5), HasSubstr("network.input[1]: expected an integer"));
  EXPECT_THAT(with("/input/1", ~0ULL), HasSubstr("network.input[1]: expected an integer"));
  EXPECT_THAT(with("/layers", 1), HasSubstr("network.layers: expected a list"));
  EXPECT_THAT(with("/layers/2", 1), HasSubstr("network.layers[2]: expected an object"));
  EXPECT_THAT(with("/layers/1/op", "gelu"), HasSubstr("layers[1].op: unknown operator 'gelu'"));
  EXPECT_THAT(with("/layers/1/op", 1), HasSubstr("layers[1].op: expected a string"));
  EXPECT_THAT(with("/layers/0/bias", 1), HasSubstr("layers[0].bias: expected true or false"));
  EXPECT_THAT(with("/layers/0/inputs", "x"), HasSubstr("layers[0].inputs: expected a list"));
  EXPECT_THAT(with("/layers/0/inputs/0", 7), HasSubstr("'conv2d_0'"));
  EXPECT_THAT(with("/layers/0/out_channel", 7), HasSubstr("unknown key 'out_channel'"));
  EXPECT_THAT(with("/seed", 7), HasSubstr("network: unknown key 'seed'"));
  EXPECT_THAT(with("/layers/0/kernel", {3, -3}), HasSubstr("kernel width is -3"));
}

}  // namespace
}  // namespace hwnas::ir
