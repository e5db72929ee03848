#include "spaces/options.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/error.hpp"

namespace hwnas::spaces {

namespace {

constexpr std::size_t kMaxOptions = 64;

/// The items of a list, or a scalar as the only item.
std::vector<const Config*> option_nodes(const Config& node) {
  if (node.kind() != Config::Kind::kList) return {&node};
  if (node.items().empty()) node.fail("an empty list: give at least one option");
  if (node.items().size() > kMaxOptions) {
    node.fail(fmt::format("{} options, but {} are the limit", node.items().size(), kMaxOptions));
  }
  std::vector<const Config*> nodes;
  for (const Config& item : node.items()) nodes.push_back(&item);
  return nodes;
}

/// Reads every option of `key` with `parse(node)` and names it with `label(value)`.
template <typename T, typename Parse, typename Label>
Options<T> read_options(const Config& map, std::string_view key, bool ordered,
                        const std::optional<T>& fallback, Parse parse, Label label) {
  Options<T> options{.values = {}, .labels = {}, .ordered = ordered};
  const Config* node = fallback ? map.find(key) : &map.at(key);
  if (node == nullptr) return {{*fallback}, {label(*fallback)}, ordered};
  for (const Config* item : option_nodes(*node)) {
    const T value = parse(*item);
    if (std::ranges::find(options.values, value) != options.values.end()) {
      item->fail(fmt::format("option {} is given twice", label(value)));
    }
    if constexpr (std::is_arithmetic_v<T>) {
      if (!options.values.empty() && value < options.values.back()) {
        item->fail("options must grow from small to large");
      }
    }
    options.values.push_back(value);
    options.labels.push_back(label(value));
  }
  return options;
}

template <typename T>
std::string number_label(T value) {
  return fmt::format("{}", value);
}

const std::vector<std::string> kActivationNames = {"relu", "relu6", "hard_swish"};
constexpr ir::ActivationKind kActivations[] = {
    ir::ActivationKind::kRelu, ir::ActivationKind::kRelu6, ir::ActivationKind::kHardSwish};

std::string activation_label(ir::ActivationKind kind) {
  return std::string(ir::operator_name(ir::Activation{kind}));
}

std::string size_label(Size2d size) {
  return fmt::format("{}x{}", size.height, size.width);
}

Size2d parse_size(const Config& node, IntRange range) {
  const std::string text = node.as_string();
  const auto parse_side = [&](std::string_view side) {
    int value = 0;
    const auto [stop, status] = std::from_chars(side.data(), side.data() + side.size(), value);
    if (status != std::errc{} || stop != side.data() + side.size() || value < range.min ||
        value > range.max) {
      node.fail(fmt::format("'{}' is no size: write 3 or 10x4 (height x width), each {}..{}", text,
                            range.min, range.max));
    }
    return value;
  };
  const std::size_t cross = text.find('x');
  if (cross == std::string::npos) return {parse_side(text), parse_side(text)};
  const std::string_view view = text;
  return {parse_side(view.substr(0, cross)), parse_side(view.substr(cross + 1))};
}

}  // namespace

Options<int> read_integers(const Config& map, std::string_view key, IntRange range,
                           std::optional<int> fallback) {
  const auto parse = [&](const Config& node) {
    return static_cast<int>(node.as_int(range.min, range.max));
  };
  return read_options<int>(map, key, true, fallback, parse, number_label<int>);
}

Options<double> read_reals(const Config& map, std::string_view key, double min, double max,
                           std::optional<double> fallback) {
  const auto parse = [&](const Config& node) { return node.as_double(min, max); };
  return read_options<double>(map, key, true, fallback, parse, number_label<double>);
}

Options<bool> read_flags(const Config& map, std::string_view key, bool fallback) {
  const auto parse = [](const Config& node) { return node.as_bool(); };
  return read_options<bool>(map, key, true, fallback, parse, number_label<bool>);
}

Options<ir::ActivationKind> fixed(ir::ActivationKind kind) {
  return {{kind}, {activation_label(kind)}, false};
}

Options<ir::ActivationKind> read_activations(const Config& map, std::string_view key,
                                             const Options<ir::ActivationKind>& fallback) {
  if (map.find(key) == nullptr) return fallback;
  const auto parse = [](const Config& node) {
    return kActivations[node.as_one_of(kActivationNames)];
  };
  return read_options<ir::ActivationKind>(map, key, false, std::nullopt, parse, activation_label);
}

Options<Size2d> read_sizes(const Config& map, std::string_view key, IntRange range,
                           std::optional<Size2d> fallback) {
  const auto parse = [&](const Config& node) { return parse_size(node, range); };
  return read_options<Size2d>(map, key, false, fallback, parse, size_label);
}

const std::vector<Config>& read_stages(const Config& options) {
  const Config& stages = options.at("stages");
  const std::size_t count = stages.items().size();
  if (count < 1 || count > kMaxStages) {
    stages.fail(fmt::format("{} stages, but 1..{} are allowed", count, kMaxStages));
  }
  return stages.items();
}

int round_channels(double channels, int divisor) {
  const int nearest = static_cast<int>(channels + divisor / 2.0) / divisor * divisor;
  const int rounded = std::max(nearest, divisor);
  return rounded < 0.9 * channels ? rounded + divisor : rounded;
}

WidthScale::WidthScale(const Config& options, DecisionList& decisions)
    : multiplier_(decisions.add("width_multiplier",
                                read_reals(options, "width_multiplier", 0.05, 8.0, 1.0))),
      divisor_(static_cast<int>(options.int_or("divisor", 8, 1, 64))) {}

int WidthScale::operator()(const Choice<int>& channels, const Genotype& genotype) const {
  const int width = channels(genotype);
  const double multiplier = multiplier_(genotype);
  if (width == 0 || multiplier == 1.0) return width;
  return round_channels(width * multiplier, divisor_);
}

Options<int> WidthScale::read_channels(const Config& map, std::string_view key, IntRange range,
                                       std::optional<int> fallback) const {
  Options<int> channels = read_integers(map, key, range, fallback);
  if (multiplier_.is_open() && channels.values.size() > 1) {
    map.at(key).fail("several widths and several width_multipliers: open one of the two");
  }
  return channels;
}

}  // namespace hwnas::spaces
