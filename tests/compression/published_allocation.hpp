#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "compression/allocation.hpp"
#include "core/csv.hpp"
#include "core/file.hpp"

/// The published bit-allocation problems of HAWQ-V3 and HAQ as data.
namespace hwnas::compression::published {

inline std::filesystem::path folder() {
  const char* const data = std::getenv("HWNAS_DATA");
  return (data != nullptr ? std::filesystem::path(data)
                          : std::filesystem::path(HWNAS_SOURCE_DIR) / "../shared/data") /
         "quant";
}
inline bool are_there() {
  return std::filesystem::exists(folder() / "hawqv3_ilp_inputs.json");
}

/// One of HAWQ-V3's problems: 4 or 8 bits for weights and activations alike.
struct HawqProblem {
  std::string name;
  double fraction = 0;
  AllocationProblem problem;
  std::vector<std::vector<int>> members;  ///< by group: layers
  std::vector<int> bits;                  ///< of each layer, as the fixture says
  double objective = 0;
  int published_differs = 0;  ///< layers where the published bits are not the optimum
};

inline double hawq_cost(const nlohmann::json& model, const std::string& constraint, int layer,
                        int bits) {
  if (constraint == "modelsize") {
    return model["params"][layer].get<double>() * bits / 8 / model["size_unit"].get<double>();
  }
  if (constraint == "bops") return model["macs"][layer].get<double>() / 1e6 * bits * bits / 1024;
  return model[bits == 4 ? "latency_int4" : "latency_int8"][layer].get<double>();
}

inline std::vector<std::vector<int>> hawq_groups(const nlohmann::json& model) {
  const int layers = static_cast<int>(model["layers"].size());
  std::vector<std::vector<int>> members;
  std::vector<bool> placed(layers, false);
  for (int layer = 0; layer < layers; ++layer) {
    if (placed[layer]) continue;
    std::vector<int> group = {layer};
    for (const auto& equal : model["equal_groups"]) {
      if (equal[0].get<int>() == layer) group = equal.get<std::vector<int>>();
    }
    for (const int member : group) placed[member] = true;
    members.push_back(group);
  }
  return members;
}

inline HawqProblem hawq_problem(const std::string& name, const nlohmann::json& model,
                                const nlohmann::json& reference) {
  const auto constraint = reference["constraint"].get<std::string>();
  HawqProblem result{.name = name + " " + constraint,
                     .fraction = reference["fraction"].get<double>(),
                     .problem = {},
                     .members = hawq_groups(model),
                     .bits = {},
                     .objective = reference["objective"].get<double>()};
  double cost4 = 0;
  double cost8 = 0;
  for (const std::vector<int>& members : result.members) {
    AllocationOption int4{"w4a4", 4, 4, 0, {0}};
    AllocationOption int8{"w8a8", 8, 8, 0, {0}};
    for (const int layer : members) {
      int8.objective -= model["hessian_trace"][layer].get<double>() *
                        (model["delta_w_sq_4bit"][layer].get<double>() -
                         model["delta_w_sq_8bit"][layer].get<double>());
      int4.costs[0] += hawq_cost(model, constraint, layer, 4);
      int8.costs[0] += hawq_cost(model, constraint, layer, 8);
    }
    cost4 += int4.costs[0];
    cost8 += int8.costs[0];
    result.problem.groups.push_back(
        {model["layers"][members.front()].get<std::string>(), {int4, int8}});
  }
  result.problem.limits = {{constraint, cost4 + result.fraction * (cost8 - cost4)}};
  for (const char digit : reference["bits"].get<std::string>()) result.bits.push_back(digit - '0');
  if (reference.contains("published_differs_at")) {
    result.published_differs = static_cast<int>(reference["published_differs_at"].size());
  }
  return result;
}

/// All 18.
inline std::vector<HawqProblem> hawq_problems() {
  const auto json = nlohmann::json::parse(read_file(folder() / "hawqv3_ilp_inputs.json", 1 << 20));
  std::vector<HawqProblem> problems;
  for (const auto& [name, model] : json["models"].items()) {
    for (const auto& reference : model["reference"]) {
      problems.push_back(hawq_problem(name, model, reference));
    }
  }
  return problems;
}

/// Bits of each layer that an allocation chose.
inline std::vector<int> hawq_bits(const HawqProblem& problem, const Allocation& allocation) {
  std::vector<int> bits(problem.bits.size());
  for (std::size_t group = 0; group < problem.members.size(); ++group) {
    for (const int layer : problem.members[group]) {
      bits[layer] = problem.problem.groups[group].options[allocation.choice[group]].weight_bits;
    }
  }
  return bits;
}

/// Layers 1..51 of HAQ's MobileNetV2, 2 to 8 bits for weights and for activations, under the budget
/// of HAQ's own policy.
struct HaqProblem {
  AllocationProblem problem;
  std::vector<int> policy;  ///< HAQ's, as a choice
};

enum class HaqObjective { kTotalBits, kNoise };  ///< −Σ(w + a), or Σ(4^-w + 4^-a)

inline HaqProblem haq_problem(HaqObjective objective) {
  const auto json = nlohmann::json::parse(read_file(folder() / "haq_policy_0.6.json", 1 << 20));
  HaqProblem result;
  result.problem.limits = {{"cycles", json["free_budget"].get<double>()}};
  CsvReader csv = CsvReader::open(folder() / "haq_mobilenetv2_batch16_cycles.csv.gz");
  const std::size_t layer = csv.column("layer");
  const std::size_t w_bits = csv.column("w_bits");
  const std::size_t a_bits = csv.column("a_bits");
  const std::size_t cycles = csv.column("cycles");
  while (csv.next()) {
    const auto index = csv.integer(layer, 0, 52);
    const auto w = static_cast<int>(csv.integer(w_bits, 1, 8));
    const auto a = static_cast<int>(csv.integer(a_bits, 1, 8));
    if (index == 0 || index == 52 || w < 2 || a < 2) continue;
    result.problem.groups.resize(static_cast<std::size_t>(index));
    AllocationGroup& group = result.problem.groups.back();
    group.name = "layer" + std::to_string(index);
    const auto& published = json["policy"][static_cast<std::size_t>(index)];
    if (published[0].get<int>() == w && published[1].get<int>() == a) {
      result.policy.push_back(static_cast<int>(group.options.size()));
    }
    const double value =
        objective == HaqObjective::kTotalBits ? -(w + a) : std::pow(4.0, -w) + std::pow(4.0, -a);
    group.options.push_back(
        {"w" + std::to_string(w) + "a" + std::to_string(a), w, a, value, {csv.number(cycles)}});
  }
  return result;
}

}  // namespace hwnas::compression::published
