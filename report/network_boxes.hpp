#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ir/network.hpp"

namespace hwnas::report {

/// What a box does; its name is also its CSS class.
enum class BoxKind { kConv, kPointwise, kDepthwise, kLinear, kPool, kCombine, kOther };
std::string_view class_name(BoxKind kind);
std::string_view plain_name(BoxKind kind);

/// Layers that a deployed network executes as one: a convolution with its batch norm and
/// activation.
struct Box {
  std::vector<int> layers;  ///< indices into Network::layers; the first one does the work
  std::vector<int> inputs;  ///< indices of boxes; ir::kNetworkInput for the network's input
  BoxKind kind = BoxKind::kOther;
  std::string name;    ///< what its layers' names have in common: "stage2.block1.expand"
  std::string action;  ///< "conv 3×3 /2 · relu6"
  ir::Shape out;
  std::int64_t live_bytes = 0;  ///< of activations, while it runs
};

/// In the order of the network. Throws what ir::infer_shapes throws.
///
/// live_bytes follows estimators::peak_sram's rules, elementwise operators in place, in the order
/// of the network: inputs, output and all that is needed later.
std::vector<Box> fold_into_boxes(const ir::Network& network);

/// A vertical track for each edge that does not come from the box just above: edges that overlap
/// have different lanes. Lane 0 is next to the boxes.
struct Arc {
  int from = 0;  ///< box, or ir::kNetworkInput
  int to = 0;
  int lane = 0;
};
std::vector<Arc> arcs_between(const std::vector<Box>& boxes);

}  // namespace hwnas::report
