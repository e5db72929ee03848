#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <span>
#include <utility>

namespace hwnas {

/// The only source of randomness: xoshiro256** (Blackman and Vigna, "Scrambled Linear Pseudorandom
/// Number Generators", 2018), seeded through SplitMix64. The same seed gives the same sequence on
/// every platform, which the standard library's distributions do not promise; hence the own ones.
/// Not thread-safe: each user has its own. Satisfies UniformRandomBitGenerator.
class Rng {
 public:
  using result_type = std::uint64_t;

  explicit Rng(std::uint64_t seed);

  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return std::numeric_limits<result_type>::max(); }
  result_type operator()();

  /// Uniform in [0, n); n > 0. Unbiased (Lemire, "Fast Random Integer Generation in an Interval",
  /// 2019).
  std::uint64_t index(std::uint64_t n);
  /// Uniform in [0, 1), 53 bits.
  double uniform();
  /// True with probability p.
  bool bernoulli(double p) { return uniform() < p; }
  /// Standard normal (Marsaglia's polar method).
  double normal();

  /// Fisher-Yates.
  template <typename T>
  void shuffle(std::span<T> values) {
    for (std::size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[index(i)]);
  }

 private:
  std::uint64_t state_[4];
};

/// A seed for one purpose: a well-mixed function of the experiment's seed and of what it is for,
/// e.g. derive_seed(experiment_seed, {trial_id}). Streams with different keys are independent in
/// practice.
std::uint64_t derive_seed(std::uint64_t seed, std::initializer_list<std::uint64_t> key);

}  // namespace hwnas
