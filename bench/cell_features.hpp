#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "estimators/regressor.hpp"

namespace hwnas::bench {

/// Networks of a published table as rows of features.
struct EncodedNetworks {
  estimators::FeatureLayout layout;
  estimators::FeatureMatrix features;
  std::vector<double> macs;     ///< multiply-accumulates of the searched layers
  std::vector<bool> connected;  ///< whether the output depends on the input
};

/// NAS-Bench-201's six digits, edges in the order (0→1)(0→2)(1→2)(0→3)(1→3)(2→3); 0 none, 1 skip,
/// 2 convolution 1×1, 3 convolution 3×3, 4 average pooling. Groups:
/// - raw, bwd, toco, eff, fwd (kExecution, 4 each): counts of skip, 1×1, 3×3 and pooling among all
///   edges, those that the output depends on, those that TensorFlow Lite's old converter keeps (see
///   below), those that the output depends on and that depend on the input, those that depend on
///   the input;
/// - one_hot (kEncoding, 30);
/// - graph (kGraph, 7) of the edges of eff: additions, nodes in use, longest path counted in
///   convolutions, in 3×3 convolutions, in operators and in MACs of a 1×1 convolution, connected;
/// - bwd_graph (kGraph, 12): the same of the edges of bwd, and the numbers of nodes that
///   convolutions and poolings read, and of edges into each node;
/// - kernels (kGraph, 7): the counts of bwd, nodes between input and output, nodes that a
///   convolution reads, which rectifies them first, and those of them that something else reads as
///   well, so that the rectifier cannot be fused into the sum before it. Chosen among some twenty
///   such counts on 1,500 networks of the Jetson TX2 (HW-NAS-Bench).
///
/// toco is bwd but for a rule of TOCO, the converter of TensorFlow 1: `none` is a product with
/// zero. Such a product becomes a constant, and what only it needed goes (ResolveMultiplyByZero);
/// but one with the output of a single convolution is folded into its weights
/// (FuseBinaryIntoPrecedingAffine), and the convolution runs. Read off which dead
/// convolutions pixel3 and raspi4 of HELP's tables pay for.
/// Throws InvalidArgument for another genotype.
EncodedNetworks encode_nasbench201(const std::vector<std::string>& genotypes);

/// FBNet's 22 digits, one a layer: 0 k3_e1, 1 k3_e1_g2, 2 k3_e3, 3 k3_e6, 4 k5_e1, 5 k5_e1_g2,
/// 6 k5_e3, 7 k5_e6, 8 skip, over HW-NAS-Bench's layers for CIFAR-100. Groups: one_hot (kEncoding,
/// 198), counts of the options (kExecution, 9), work (kExecution, 6: MACs of 1×1, grouped 1×1,
/// depthwise 3×3 and 5×5 convolutions, elements read and written, weights). All are connected.
/// Throws InvalidArgument for another genotype.
EncodedNetworks encode_fbnet(const std::vector<std::string>& genotypes);

/// By the name of the space: "nasbench201" or "fbnet". Throws NotFound for another.
EncodedNetworks encode(std::string_view space, const std::vector<std::string>& genotypes);

}  // namespace hwnas::bench
