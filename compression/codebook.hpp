#pragma once

#include <cstdint>
#include <vector>

#include "core/rng.hpp"
#include "ir/weights.hpp"

namespace hwnas::compression {

struct CodebookOptions {
  int codewords = 256;           ///< 2 to 65,536; fewer where there are fewer subvectors
  int subvector = 8;             ///< weights that one code stands for
  int iterations = 100;          ///< of k-means, at least 1
  int permutation_steps = 1000;  ///< swaps of input channels that are tried; 0 keeps their order
};

/// Weights as indices into a codebook: storage only, since no runtime has kernels for them.
struct CodedWeights {
  std::vector<std::int64_t> shape;  ///< of the array: out x in x kernel …
  int subvector = 0;
  std::vector<float> codebook;            ///< codewords x subvector, exact in 16-bit floats
  std::vector<std::uint16_t> codes;       ///< by output channel, then along the permuted inputs
  std::vector<std::int32_t> permutation;  ///< input channels in the order that codes have them

  int codewords() const { return static_cast<int>(codebook.size()) / subvector; }
  /// Codes at ⌈log2 codewords⌉ bits each, 2 bytes a number of the codebook, and 2 bytes an input
  /// channel unless the permutation is the identity.
  std::int64_t bytes() const;
};

/// Product quantization with permuted channels (Martinez et al., "Permute, Quantize, and
/// Fine-tune", CVPR 2021, arXiv 2010.15703), without the fine-tuning. A subvector is a run of the
/// inputs of one output channel: whole kernels of consecutive input channels, or a part of one
/// kernel.
///
/// Permutation (section 3.2): channels sorted by energy, then random swaps that reduce the
/// determinant of the subvectors' second moments. Deviation: the layer's inputs are permuted alone,
/// so the order is stored; the paper permutes producers alike. Clustering (section 3.3): k-means
/// with noise on the codewords that is annealed to none. Deviation: the noise is as large as the
/// mean error at first, and the best iteration is kept.
///
/// Throws InvalidArgument for arrays of less than two dimensions, options out of range, and a
/// subvector that neither holds whole kernels that divide the inputs nor divides a kernel.
CodedWeights encode(const ir::Array& weights, const CodebookOptions& options, Rng& rng);

/// The array that the codes stand for.
ir::Array decode(const CodedWeights& coded);

}  // namespace hwnas::compression
