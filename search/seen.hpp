#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "core/rng.hpp"
#include "search/distribution.hpp"
#include "search/strategy.hpp"
#include "spaces/search_space.hpp"

namespace hwnas::search {

/// A set of 64-bit keys: open addressing with linear probing, 8 bytes a slot, at most half full.
class KeySet {
 public:
  KeySet() : slots_(kFirstSlots, kEmpty) {}
  /// True if the key was not in the set; it is now.
  bool insert(std::uint64_t key);
  std::size_t size() const { return size_; }

 private:
  static constexpr std::size_t kFirstSlots = 256;
  static constexpr std::uint64_t kEmpty = ~std::uint64_t{0};

  std::size_t slot_of(std::uint64_t key) const;
  void grow();

  std::vector<std::uint64_t> slots_;  ///< a power of two of them
  std::size_t size_ = 0;
  bool holds_empty_ = false;  ///< the key that marks an empty slot is in the set
};

/// The canonical genotypes that a strategy has proposed, and a way to those that it has not. The
/// space must outlive it.
class Seen {
 public:
  explicit Seen(const spaces::DecisionSpace& space, Start start = {});

  /// The canonical form of a genotype, seen from now on; nothing if it was seen before.
  std::optional<spaces::Genotype> claim(const spaces::Genotype& genotype);

  /// claim() of uniform draws; where too many of them were seen, of the next unseen genotype in
  /// counting order from a random start. Nothing once every canonical genotype was claimed: known
  /// after one walk through the space, whatever the number of calls. A large space is not walked
  /// unless draws fail, so unless it has few canonical genotypes; a walk that meets nothing new for
  /// 2^20 genotypes counts as having seen them all.
  std::optional<spaces::Genotype> claim_random(Rng& rng);

  /// claim() of the start's genotypes, then of draws from its distribution; claim_random() where
  /// there is none, or too many of its draws were seen.
  std::optional<spaces::Genotype> claim_start(Rng& rng);

  /// How many were claimed.
  std::size_t size() const { return claimed_; }

  /// The number of a genotype in counting order, unique in spaces of less than 2^64 genotypes; in
  /// larger ones a hash: two of 10^5 genotypes collide with a chance of 3e-10, and then one of them
  /// is never proposed.
  std::uint64_t key(const spaces::Genotype& genotype) const;

 private:
  std::optional<spaces::Genotype> claim_next();

  const spaces::DecisionSpace& space_;
  const Start start_;
  std::size_t started_ = 0;  ///< of start_.genotypes
  KeySet keys_;              ///< of claimed genotypes, and of all others found to be equal to one
  std::size_t claimed_ = 0;
  std::vector<std::uint64_t> options_;  ///< of each decision
  bool countable_;                      ///< the space has less than 2^64 genotypes
  spaces::Genotype walk_start_;         ///< no choices before the walk has begun
  spaces::Genotype walk_;               ///< all from walk_start_ up to it are seen
  bool exhausted_ = false;
};

/// Up to n proposals: what next() returns, until it returns nothing.
template <typename Next>
std::vector<Proposal> propose(std::size_t n, Next next) {
  std::vector<Proposal> proposals;
  while (proposals.size() < n) {
    std::optional<spaces::Genotype> genotype = next();
    if (!genotype) break;
    proposals.push_back({std::move(*genotype)});
  }
  return proposals;
}

}  // namespace hwnas::search
