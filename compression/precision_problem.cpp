#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "compression/precision_space.hpp"
#include "core/error.hpp"
#include "estimators/cost_model.hpp"
#include "estimators/deployment.hpp"

namespace hwnas::compression {

namespace {

using estimators::CostModel;
using estimators::Estimate;

/// Costs of one metric: what each group adds by option, and what is left.
struct GroupCosts {
  std::vector<std::vector<double>> by_group;  ///< groups x options
  double others = 0;
};

class ProblemBuilder {
 public:
  ProblemBuilder(const PrecisionSpace& space, const estimators::RuntimeProfile& runtime)
      : space_(space), runtime_(runtime), owner_(space.network.layers.size(), -1) {
    for (std::size_t g = 0; g < space.groups.size(); ++g) {
      for (const int layer : space.groups[g]) owner_[layer] = static_cast<int>(g);
    }
    // A layer without weights has the activation bits of the group it reads from.
    for (std::size_t i = 0; i < owner_.size(); ++i) {
      const int input = space.network.layers[i].inputs.front();
      if (owner_[i] < 0 && input != ir::kNetworkInput) owner_[i] = owner_[input];
    }
  }

  void add_groups(const SensitivityTable& sensitivities) {
    const std::vector<estimators::Kernel> kernels = estimators::kernels(space_.network);
    for (std::size_t g = 0; g < space_.groups.size(); ++g) {
      AllocationGroup& group = problem_.groups.emplace_back();
      group.name = space_.network.layers[space_.groups[g].front()].name;
      for (std::size_t o = 0; o < space_.options.size(); ++o) {
        const ir::Precision precision = space_.options[o].precision();
        const bool has_kernels = std::ranges::all_of(space_.groups[g], [&](int layer) {
          return runtime_.has_kernel(to_string(kernels[layer].kind), precision);
        });
        group.options.push_back({.name = to_string(space_.options[o]),
                                 .weight_bits = precision.weight_bits,
                                 .activation_bits = precision.activation_bits,
                                 .objective = sensitivities[g][o],
                                 .costs = {},
                                 .allowed = has_kernels && (o == 0 || !space_.pinned[g])});
      }
    }
    problem_.groups.push_back(
        {.name = "other layers", .options = {{.name = "as they are", .costs = {}}}});
    add_edges();
  }

  void add_limit(const AllocationLimit& limit, const CostModel& model) {
    problem_.limits.push_back(limit);
    const GroupCosts costs = group_costs(model);
    for (std::size_t g = 0; g < space_.groups.size(); ++g) {
      for (std::size_t o = 0; o < space_.options.size(); ++o) {
        problem_.groups[g].options[o].costs.push_back(costs.by_group[g][o]);
      }
    }
    problem_.groups.back().options.front().costs.push_back(costs.others);
    for (std::size_t e = 0; e < problem_.edges.size(); ++e) {
      problem_.edges[e].costs.push_back(cast_costs(casts_[e], model));
    }
  }

  AllocationProblem take() { return std::move(problem_); }

 private:
  GroupCosts group_costs(const CostModel& model) const {
    const std::size_t groups = space_.groups.size();
    GroupCosts costs{.by_group = std::vector<std::vector<double>>(groups), .others = 0};
    double whole = 0;
    for (std::size_t o = 0; o < space_.options.size(); ++o) {
      const ir::Network uniform =
          with_precisions(space_, std::vector<int>(groups, static_cast<int>(o)));
      const Estimate estimate = model.predict(uniform);
      for (std::vector<double>& group : costs.by_group) group.push_back(0);
      double others = 0;
      if (estimate.per_layer.empty()) {
        if (o > 0 && estimate.value != whole) throw not_a_sum(model);
        whole = others = estimate.value;
      }
      for (std::size_t i = 0; i < estimate.per_layer.size(); ++i) {
        (owner_[i] < 0 ? others : costs.by_group[owner_[i]][o]) += estimate.per_layer[i];
      }
      costs.others = others;
    }
    return costs;
  }

  static Error not_a_sum(const CostModel& model) {
    return invalid_argument(
        "'{}' is no sum over layers while activation bits differ; give all options the same "
        "activation bits, or leave the limit out and look at the chosen network's",
        model.metric());
  }

  /// A tensor that crosses from one group to another is cast once where their bits differ.
  struct Casts {
    std::map<int, ir::Shape> tensors;  ///< by producing layer
  };

  void add_edges() {
    const std::vector<ir::Shape> shapes = ir::infer_shapes(space_.network);
    const bool one_width = std::ranges::all_of(space_.options, [&](const PrecisionOption& option) {
      return option.activation_bits == space_.options.front().activation_bits;
    });
    if (one_width) return;
    std::map<std::pair<int, int>, Casts> by_pair;
    for (std::size_t i = 0; i < owner_.size(); ++i) {
      const ir::Layer& layer = space_.network.layers[i];
      for (const int input : layer.inputs) {
        if (input == ir::kNetworkInput || owner_[input] < 0 || owner_[input] == owner_[i]) continue;
        by_pair[{owner_[input], owner_[i]}].tensors.emplace(input, shapes[input]);
      }
    }
    for (auto& [pair, casts] : by_pair) {
      problem_.edges.push_back(
          {.from = pair.first, .to = pair.second, .objective = {}, .costs = {}});
      casts_.push_back(std::move(casts));
    }
  }

  std::vector<double> cast_costs(const Casts& casts, const CostModel& model) const {
    std::vector<double> matrix;
    for (const PrecisionOption& from : space_.options) {
      for (const PrecisionOption& to : space_.options) {
        double cost = 0;
        for (const auto& [layer, shape] : casts.tensors) {
          if (from.activation_bits != to.activation_bits) {
            cost += cast_cost(shape, std::max(from.activation_bits, to.activation_bits), model);
          }
        }
        matrix.push_back(cost);
      }
    }
    return matrix;
  }

  /// Priced as an elementwise kernel that nothing is fused with.
  static double cast_cost(const ir::Shape& shape, int bits, const CostModel& model) {
    const ir::Layer cast{.name = "cast",
                         .op = ir::Activation{ir::ActivationKind::kHardSwish},
                         .inputs = {ir::kNetworkInput},
                         .precision = {.weight_bits = 8, .activation_bits = bits}};
    return model.predict({.input = shape, .layers = {cast}}).value;
  }

  const PrecisionSpace& space_;
  const estimators::RuntimeProfile& runtime_;
  std::vector<int> owner_;  ///< by layer: the group whose option decides its cost, or -1
  AllocationProblem problem_;
  std::vector<Casts> casts_;  ///< by edge
};

}  // namespace

AllocationProblem allocation_problem(const PrecisionSpace& space,
                                     const SensitivityTable& sensitivities,
                                     const estimators::DeviceProfile& device,
                                     const estimators::RuntimeProfile& runtime,
                                     const std::vector<AllocationLimit>& limits) {
  const bool fits = sensitivities.size() == space.groups.size() &&
                    std::ranges::all_of(sensitivities, [&](const std::vector<double>& row) {
                      return row.size() == space.options.size();
                    });
  if (!fits) {
    throw invalid_argument("sensitivities must be a table of {} groups x {} options",
                           space.groups.size(), space.options.size());
  }
  ProblemBuilder builder(space, runtime);
  builder.add_groups(sensitivities);
  for (const AllocationLimit& limit : limits) {
    builder.add_limit(limit, *estimators::make_cost_model(limit.name, device, runtime));
  }
  return builder.take();
}

}  // namespace hwnas::compression
