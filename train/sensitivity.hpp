#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/dataset.hpp"
#include "ir/weights.hpp"

/// How the loss of a float network bends along its weights: what sensitivities of bit allocation
/// are made of. The loss is the cross-entropy with the labels, of the logits (a softmax that ends
/// the network is left out), averaged over the samples.
namespace hwnas::train {

/// The samples that a sensitivity is measured on. The data set outlives the call.
struct SensitivityData {
  const data::Dataset* dataset = nullptr;
  std::span<const std::size_t> samples;
  data::Normalisation normalisation;
};

struct SensitivityOptions {
  int probes = 32;  ///< random vectors that the Hessian's trace is estimated with
  /// Length of a finite difference, over the root mean square of the layer's weights.
  double relative_step = 0.01;
  std::string device = "cpu";  ///< or "cuda", "cuda:1"
  int threads = 1;             ///< intra-op threads
};

/// For each layer, the trace of the Hessian with respect to its weight array; 0 for layers
/// without weights. It may be negative. HAWQ-V3's sensitivity of a layer (Yao et al., 2021, arXiv
/// 2011.10680, equation 6) is trace / number of weights · ‖Q(W) − W‖².
///
/// Hutchinson's estimator (Dong et al., "HAWQ-V2", 2020, arXiv 1911.03852, equation 7), where all
/// layers share the probes: the mean of zᵀHz over vectors z of ±1, of which each layer takes its
/// own part. Deviation: Hz is a central difference of gradients along z, since kernels of one pass
/// have no second derivative. Its error falls as 1/√probes.
///
/// Deterministic in (network, data, options, seed) with threads = 1. Thread-safe. Throws
/// InvalidArgument if there are no samples, or the network or its weights do not fit them.
std::vector<double> hessian_traces(const ir::FoldedNetwork& network, const SensitivityData& data,
                                   const SensitivityOptions& options, std::uint64_t seed);

/// For each layer, one value a weight in the order of its array: the mean over the samples of the
/// squared gradient of that sample's loss, the diagonal of the empirical Fisher matrix (Kunstner,
/// Hennig and Balles, "Limitations of the Empirical Fisher Approximation", 2019, equation 3).
/// Empty for layers without weights. Rounding a layer to W' costs about ½·Σ F·(W' − W)².
///
/// Same promises and errors as hessian_traces.
std::vector<std::vector<double>> fisher_diagonals(const ir::FoldedNetwork& network,
                                                  const SensitivityData& data,
                                                  const SensitivityOptions& options);

}  // namespace hwnas::train
