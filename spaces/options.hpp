#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/config.hpp"
#include "ir/network.hpp"
#include "spaces/builder.hpp"
#include "spaces/search_space.hpp"

namespace hwnas::spaces {

/// What a YAML key allows. A key's value is a list of options, or one option: the fixed choice.
template <typename T>
struct Options {
  std::vector<T> values;            ///< at least one, no two equal
  std::vector<std::string> labels;  ///< values[i] in words
  bool ordered = false;             ///< values grow
};

struct IntRange {
  int min = 0;
  int max = 0;
};

// Readers of one key of `map`. A missing key is `fallback`, or an error where there is none. All
// throw InvalidArgument with place: on empty lists, more than 64 options, values out of range,
// numbers that do not grow, names given twice.
Options<int> read_integers(const Config& map, std::string_view key, IntRange range,
                           std::optional<int> fallback = std::nullopt);
Options<double> read_reals(const Config& map, std::string_view key, double min, double max,
                           std::optional<double> fallback = std::nullopt);
Options<bool> read_flags(const Config& map, std::string_view key, bool fallback);
/// The fixed choice of `kind`.
Options<ir::ActivationKind> fixed(ir::ActivationKind kind);
/// relu, relu6, hard_swish.
Options<ir::ActivationKind> read_activations(const Config& map, std::string_view key,
                                             const Options<ir::ActivationKind>& fallback);
/// "10x4" (height x width) or "3" (3x3), each side in `range`.
Options<Size2d> read_sizes(const Config& map, std::string_view key, IntRange range,
                           std::optional<Size2d> fallback = std::nullopt);

// The ranges that all families share: far beyond what is useful, and small enough that no file can
// make a space whose networks do not fit into memory.
inline constexpr IntRange kChannelsRange{1, 4096};
inline constexpr IntRange kKernelRange{1, 63};
inline constexpr IntRange kStrideRange{1, 16};
inline constexpr IntRange kDepthRange{1, 32};
inline constexpr std::size_t kMaxStages = 16;

/// The maps under `stages`: 1 to kMaxStages. Throws InvalidArgument with place.
const std::vector<Config>& read_stages(const Config& options);

/// One choice of a space: open (a decision of the genotype) or fixed; by default, fixed to T{}.
template <typename T>
class Choice {
 public:
  Choice() : values_(1) {}
  Choice(std::vector<T> values, std::optional<std::size_t> decision)
      : values_(std::move(values)), decision_(decision) {}

  T operator()(const Genotype& genotype) const {
    return decision_ ? values_[genotype.choices[*decision_]] : values_.front();
  }
  bool is_open() const { return decision_.has_value(); }

 private:
  std::vector<T> values_;
  std::optional<std::size_t> decision_;
};

/// The decisions of a space in the order in which its choices are added. A fixed choice adds none.
class DecisionList {
 public:
  template <typename T>
  Choice<T> add(std::string name, const Options<T>& options) {
    if (options.values.size() == 1) return {options.values, std::nullopt};
    decisions_.push_back({std::move(name), options.labels, options.ordered});
    return {options.values, decisions_.size() - 1};
  }

  /// One choice for all blocks of a stage, or one for each.
  template <typename T>
  std::vector<Choice<T>> add_for_blocks(const std::string& stage, std::string_view key,
                                        const Options<T>& options, int depth, bool per_block) {
    if (!per_block) {
      return std::vector<Choice<T>>(depth, add(fmt::format("{}.{}", stage, key), options));
    }
    std::vector<Choice<T>> choices;
    for (int block = 1; block <= depth; ++block) {
      choices.push_back(add(fmt::format("{}.block{}.{}", stage, block, key), options));
    }
    return choices;
  }

  const std::vector<Decision>& decisions() const { return decisions_; }

 private:
  std::vector<Decision> decisions_;
};

/// The nearest multiple of `divisor`, at least `divisor` and not more than a tenth below
/// `channels`: how the MobileNets round scaled widths (Howard et al., 2019).
int round_channels(double channels, int divisor);

/// `width_multiplier` and `divisor`: the global scale of a family's widths. A multiplier of 1
/// leaves a width as it is written; others round to a multiple of the divisor. 0 (absent) stays 0.
class WidthScale {
 public:
  WidthScale() = default;
  WidthScale(const Config& options, DecisionList& decisions);

  int divisor() const { return divisor_; }
  int operator()(const Choice<int>& channels, const Genotype& genotype) const;

  /// The options of `key`: fixed if the multiplier is open, since else two genotypes could mean one
  /// network in ways that no order of decisions sorts out. Throws InvalidArgument with place.
  Options<int> read_channels(const Config& map, std::string_view key, IntRange range,
                             std::optional<int> fallback = std::nullopt) const;

 private:
  Choice<double> multiplier_;
  int divisor_ = 8;
};

}  // namespace hwnas::spaces
