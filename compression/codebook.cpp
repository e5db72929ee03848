#include "compression/codebook.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include <Eigen/Cholesky>
#include <Eigen/Core>

#include "core/error.hpp"

namespace hwnas::compression {

namespace {

/// An array as output channels x input channels x kernel.
struct Layout {
  explicit Layout(const std::vector<std::int64_t>& shape) : out(shape[0]), in(shape[1]) {
    for (std::size_t i = 2; i < shape.size(); ++i) kernel *= shape[i];
  }
  std::int64_t out;
  std::int64_t in;
  std::int64_t kernel = 1;
};

void check(const ir::Array& weights, const CodebookOptions& options) {
  if (weights.shape.size() < 2 || weights.values.empty()) {
    throw invalid_argument("a codebook needs weights of two dimensions or more");
  }
  if (options.codewords < 2 || options.codewords > 65'536 || options.iterations < 1 ||
      options.subvector < 1) {
    throw invalid_argument(
        "a codebook has 2 to 65536 codewords, subvectors of 1 or more and 1 or more iterations; "
        "not "
        "{}, {} and {}",
        options.codewords, options.subvector, options.iterations);
  }
  const Layout layout(weights.shape);
  const bool whole_kernels =
      options.subvector % layout.kernel == 0 && layout.in * layout.kernel % options.subvector == 0;
  if (!whole_kernels && layout.kernel % options.subvector != 0) {
    throw invalid_argument(
        "subvectors of {} weights neither hold whole kernels of {} that divide {} inputs, nor "
        "divide "
        "a kernel",
        options.subvector, layout.kernel, layout.in);
  }
}

/// Values in the order of the codes: columns are subvectors.
Eigen::MatrixXf subvectors(const ir::Array& weights, const std::vector<std::int32_t>& permutation,
                           int size) {
  const Layout layout(weights.shape);
  Eigen::MatrixXf result(size, static_cast<Eigen::Index>(weights.values.size()) / size);
  float* to = result.data();
  for (std::int64_t o = 0; o < layout.out; ++o) {
    for (const std::int32_t channel : permutation) {
      const float* const from = &weights.values[(o * layout.in + channel) * layout.kernel];
      to = std::copy(from, from + layout.kernel, to);
    }
  }
  return result;
}

/// Searches for the order of input channels.
class ChannelOrder {
 public:
  ChannelOrder(const ir::Array& weights, int subvector)
      : weights_(weights),
        layout_(weights.shape),
        channels_(subvector / layout_.kernel),
        order_(static_cast<std::size_t>(layout_.in)) {
    std::iota(order_.begin(), order_.end(), 0);
  }

  /// Alike channels at the same place of their subvectors: the loudest ones all first.
  void sort_by_energy() {
    std::vector<double> energy(order_.size());
    for (std::size_t i = 0; i < weights_.values.size(); ++i) {
      const float value = weights_.values[i];
      energy[(i / layout_.kernel) % layout_.in] += double{value} * value;
    }
    std::vector<std::int32_t> sorted = order_;
    std::ranges::stable_sort(sorted, [&](int a, int b) { return energy[a] > energy[b]; });
    const std::int64_t blocks = layout_.in / channels_;
    for (std::size_t i = 0; i < sorted.size(); ++i) {
      const auto rank = static_cast<std::int64_t>(i);
      order_[(rank % blocks) * channels_ + rank / blocks] = sorted[i];
    }
  }

  void improve(int steps, Rng& rng) {
    const std::int64_t blocks = layout_.in / channels_;
    if (blocks < 2) return;
    Eigen::MatrixXd moments = Eigen::MatrixXd::Zero(size(), size());
    for (std::int64_t block = 0; block < blocks; ++block) moments += moments_of(block);
    double best = log_determinant(moments);
    for (int step = 0; step < steps; ++step) {
      const std::uint64_t a = rng.index(order_.size());
      const std::uint64_t b = rng.index(order_.size());
      const auto block_a = static_cast<std::int64_t>(a) / channels_;
      const auto block_b = static_cast<std::int64_t>(b) / channels_;
      if (block_a == block_b) continue;
      const Eigen::MatrixXd before = moments_of(block_a) + moments_of(block_b);
      std::swap(order_[a], order_[b]);
      const Eigen::MatrixXd after = moments - before + moments_of(block_a) + moments_of(block_b);
      const double value = log_determinant(after);
      if (value < best) {
        best = value;
        moments = after;
      } else {
        std::swap(order_[a], order_[b]);
      }
    }
  }

  const std::vector<std::int32_t>& order() const { return order_; }

 private:
  Eigen::Index size() const { return channels_ * layout_.kernel; }

  Eigen::MatrixXd moments_of(std::int64_t block) const {
    Eigen::MatrixXd columns(size(), layout_.out);
    for (std::int64_t o = 0; o < layout_.out; ++o) {
      for (std::int64_t i = 0; i < size(); ++i) {
        const std::int64_t channel = order_[block * channels_ + i / layout_.kernel];
        const std::int64_t at = (o * layout_.in + channel) * layout_.kernel + i % layout_.kernel;
        columns(i, o) = weights_.values[at];
      }
    }
    return columns * columns.transpose();
  }

  /// Kept finite where subvectors span less than their space.
  static double log_determinant(const Eigen::MatrixXd& moments) {
    const double floor = 1e-9 * moments.trace() + std::numeric_limits<double>::min();
    const Eigen::Index n = moments.rows();
    const Eigen::LLT<Eigen::MatrixXd> llt(moments + floor * Eigen::MatrixXd::Identity(n, n));
    return 2 * Eigen::MatrixXd(llt.matrixL()).diagonal().array().log().sum();
  }

  const ir::Array& weights_;
  Layout layout_;
  std::int64_t channels_;  ///< that one subvector spans
  std::vector<std::int32_t> order_;
};

/// A codebook in columns, and the codeword of each subvector.
struct Clusters {
  Eigen::MatrixXf codebook;
  std::vector<Eigen::Index> codes;
  std::vector<float> errors;  ///< squared distance of each subvector
  double error = 0;           ///< their sum
};

/// Nearest codewords, by |c|² − 2·c·x: |x|² is the same for all.
void assign(const Eigen::MatrixXf& data, Clusters& clusters) {
  constexpr Eigen::Index kChunk = 4096;
  const Eigen::VectorXf norms = clusters.codebook.colwise().squaredNorm();
  clusters.error = 0;
  for (Eigen::Index start = 0; start < data.cols(); start += kChunk) {
    const auto chunk = data.middleCols(start, std::min(kChunk, data.cols() - start));
    const Eigen::MatrixXf scores = (-2 * clusters.codebook.transpose() * chunk).colwise() + norms;
    for (Eigen::Index i = 0; i < chunk.cols(); ++i) {
      Eigen::Index& code = clusters.codes[start + i];
      scores.col(i).minCoeff(&code);
      clusters.errors[start + i] = (chunk.col(i) - clusters.codebook.col(code)).squaredNorm();
      clusters.error += clusters.errors[start + i];
    }
  }
}

/// Means of the clusters; an empty one moves to the subvector that is served worst.
void update(const Eigen::MatrixXf& data, Clusters& clusters) {
  Eigen::VectorXf counts = Eigen::VectorXf::Zero(clusters.codebook.cols());
  clusters.codebook.setZero();
  for (Eigen::Index i = 0; i < data.cols(); ++i) {
    clusters.codebook.col(clusters.codes[i]) += data.col(i);
    counts(clusters.codes[i]) += 1;
  }
  for (Eigen::Index code = 0; code < counts.size(); ++code) {
    if (counts(code) > 0) {
      clusters.codebook.col(code) /= counts(code);
      continue;
    }
    const auto worst = std::ranges::max_element(clusters.errors);
    clusters.codebook.col(code) = data.col(worst - clusters.errors.begin());
    *worst = 0;
  }
}

Eigen::MatrixXf start_codebook(const Eigen::MatrixXf& data, Eigen::Index codewords, Rng& rng) {
  std::vector<Eigen::Index> indices(static_cast<std::size_t>(data.cols()));
  std::iota(indices.begin(), indices.end(), 0);
  rng.shuffle(std::span(indices));
  Eigen::MatrixXf codebook(data.rows(), codewords);
  for (Eigen::Index i = 0; i < codewords; ++i) codebook.col(i) = data.col(indices[i]);
  return codebook;
}

Eigen::MatrixXf annealed_k_means(const Eigen::MatrixXf& data, const CodebookOptions& options,
                                 Rng& rng) {
  const Eigen::Index codewords = std::min<Eigen::Index>(options.codewords, data.cols());
  Clusters clusters{.codebook = start_codebook(data, codewords, rng),
                    .codes = std::vector<Eigen::Index>(static_cast<std::size_t>(data.cols())),
                    .errors = std::vector<float>(static_cast<std::size_t>(data.cols()))};
  Eigen::MatrixXf best = clusters.codebook;
  double least = std::numeric_limits<double>::infinity();
  for (int iteration = 0; iteration < options.iterations; ++iteration) {
    assign(data, clusters);
    if (clusters.error < least) {
      least = clusters.error;
      best = clusters.codebook;
    }
    const double left = 1 - static_cast<double>(iteration + 1) / options.iterations;
    const auto noise = static_cast<float>(
        left * left * std::sqrt(clusters.error / static_cast<double>(data.size())));
    update(data, clusters);
    for (Eigen::Index i = 0; i < clusters.codebook.size(); ++i) {
      clusters.codebook.data()[i] += noise * static_cast<float>(rng.normal());
    }
  }
  assign(data, clusters);
  return clusters.error < least ? clusters.codebook : best;
}

}  // namespace

CodedWeights encode(const ir::Array& weights, const CodebookOptions& options, Rng& rng) {
  check(weights, options);
  const Layout layout(weights.shape);
  CodedWeights coded{.shape = weights.shape,
                     .subvector = options.subvector,
                     .codebook = {},
                     .codes = {},
                     .permutation = {}};
  ChannelOrder order(weights, options.subvector);
  if (options.permutation_steps > 0 && options.subvector > layout.kernel) {
    order.sort_by_energy();
    order.improve(options.permutation_steps, rng);
  }
  coded.permutation = order.order();
  const Eigen::MatrixXf data = subvectors(weights, coded.permutation, options.subvector);
  Clusters clusters{.codebook = annealed_k_means(data, options, rng),
                    .codes = std::vector<Eigen::Index>(static_cast<std::size_t>(data.cols())),
                    .errors = std::vector<float>(static_cast<std::size_t>(data.cols()))};
  clusters.codebook = clusters.codebook.cast<Eigen::half>().cast<float>();
  assign(data, clusters);
  coded.codebook.assign(clusters.codebook.data(),
                        clusters.codebook.data() + clusters.codebook.size());
  coded.codes.assign(clusters.codes.begin(), clusters.codes.end());
  return coded;
}

ir::Array decode(const CodedWeights& coded) {
  const Layout layout(coded.shape);
  ir::Array result{.shape = coded.shape, .values = {}};
  result.values.resize(coded.codes.size() * static_cast<std::size_t>(coded.subvector));
  for (std::size_t i = 0; i < result.values.size(); ++i) {
    const auto row = static_cast<std::int64_t>(i) / (layout.in * layout.kernel);
    const auto within = static_cast<std::int64_t>(i) % (layout.in * layout.kernel);
    const std::int64_t channel = coded.permutation[within / layout.kernel];
    const auto code = static_cast<std::size_t>(coded.codes[i / coded.subvector]);
    result.values[(row * layout.in + channel) * layout.kernel + within % layout.kernel] =
        coded.codebook[code * coded.subvector + i % coded.subvector];
  }
  return result;
}

std::int64_t CodedWeights::bytes() const {
  std::int64_t bits = 1;
  while ((std::int64_t{1} << bits) < codewords()) ++bits;
  const bool permuted = !std::ranges::is_sorted(permutation);
  return (static_cast<std::int64_t>(codes.size()) * bits + 7) / 8 +
         2 * static_cast<std::int64_t>(codebook.size()) +
         (permuted ? 2 * static_cast<std::int64_t>(permutation.size()) : 0);
}

}  // namespace hwnas::compression
