#pragma once

#include <vector>

#include "estimators/fusion_rules.hpp"
#include "estimators/regressor.hpp"
#include "ir/network.hpp"

namespace hwnas::estimators {

/// What a kernel does, finer than KernelClass where there are no weights. kCopy moves data: concat,
/// explicit padding, and flatten where it is no view.
enum class KernelKind { kConv, kPointwise, kDepthwise, kLinear, kPool, kElementwise, kCopy };
inline constexpr int kKernelKinds = 7;
/// "conv", "pointwise", "depthwise", "linear", "pool", "elementwise", "copy".
std::string_view to_string(KernelKind kind);
/// The kind of a layer's kernel, if it has one.
KernelKind kernel_kind(const ir::Operator& op, const ir::Shape& in);

/// The columns of one kernel, version 1:
/// - "shape" (kEncoding): its kind, extents, MACs, elements written, bytes, MACs a byte, kernel
///   volume mod 4, output channels mod 2, and MACs if channels are filled up to vectors of 4 and
///   16;
/// - "cmsis_nn" (kExecution): how often each loop of Arm's CMSIS-NN runs its body (int8 on cores
///   with the DSP extension, without Helium; Lai, Suda and Chandra, arXiv 1801.06601, and the
///   library's source, v4 to v7). Of a network, the sum of its kernels' rows is its row.
///
/// The loops. A convolution unfolds windows into columns of 16-bit numbers, two at a time, and
/// multiplies them with two rows of weights at a time, four products deep: blocks of 2x2, then the
/// last row of weights, the last column, and what four does not divide. 8- and 16-bit data that do
/// not begin at a word are loaded more slowly: kernel volumes that four, or two, does not divide.
/// 1x1 convolutions without padding go without columns, 16 deep and then four; the sums of their
/// weights are taken first. Depthwise kernels run taps inside the image over channels, linear
/// layers over rows of weights, all others over elements.
const FeatureLayout& kernel_feature_layout();

/// The column of the name; throws NotFound.
int feature_column(const FeatureLayout& layout, std::string_view name);
/// The group of the name; throws NotFound.
const FeatureGroup& feature_group(const FeatureLayout& layout, std::string_view name);

/// One row a kernel that a runtime with `rules` executes, in the order of layers.
struct KernelFeatures {
  std::vector<int> layers;  ///< indices into network.layers
  FeatureMatrix rows;       ///< columns as kernel_feature_layout's
};

/// Throws what ir::infer_shapes throws.
KernelFeatures kernel_features(const ir::Network& network, const FusionRules& rules = {});

}  // namespace hwnas::estimators
