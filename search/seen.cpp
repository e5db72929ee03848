#include "search/seen.hpp"

#include <utility>

namespace hwnas::search {
namespace {

/// Draws before the walk: enough that a space with 10 % of its genotypes left is sampled uniformly.
constexpr int kDraws = 32;

/// Steps of the walk without an unseen genotype; seconds at most.
constexpr int kMaxSteps = 1 << 20;

/// The finaliser of MurmurHash3 (Appleby, 2011): every bit of the key reaches every bit.
std::uint64_t mix(std::uint64_t key) {
  key = (key ^ (key >> 33)) * 0xff51afd7ed558ccd;
  key = (key ^ (key >> 33)) * 0xc4ceb9fe1a85ec53;
  return key ^ (key >> 33);
}

bool less_than_2_to_64(const std::vector<std::uint64_t>& options) {
  std::uint64_t size = 1;
  for (const std::uint64_t n : options) {
    if (__builtin_mul_overflow(size, n, &size)) return false;
  }
  return true;
}

/// Counts on by one, the last decision fastest; from the last genotype to the first.
void increment(spaces::Genotype& genotype, const std::vector<std::uint64_t>& options) {
  for (std::size_t i = options.size(); i-- > 0;) {
    if (++genotype.choices[i] < options[i]) return;
    genotype.choices[i] = 0;
  }
}

}  // namespace

std::size_t KeySet::slot_of(std::uint64_t key) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = mix(key) & mask;
  while (slots_[slot] != kEmpty && slots_[slot] != key) slot = (slot + 1) & mask;
  return slot;
}

bool KeySet::insert(std::uint64_t key) {
  if (key == kEmpty) {
    size_ += holds_empty_ ? 0 : 1;
    return !std::exchange(holds_empty_, true);
  }
  const std::size_t slot = slot_of(key);
  if (slots_[slot] == key) return false;
  slots_[slot] = key;
  if (++size_ * 2 > slots_.size()) grow();
  return true;
}

void KeySet::grow() {
  const std::vector<std::uint64_t> old =
      std::exchange(slots_, std::vector<std::uint64_t>(slots_.size() * 2, kEmpty));
  for (const std::uint64_t key : old) {
    if (key != kEmpty) slots_[slot_of(key)] = key;
  }
}

Seen::Seen(const spaces::DecisionSpace& space, Start start)
    : space_(space), start_(std::move(start)) {
  for (const spaces::Decision& decision : space.decisions()) {
    options_.push_back(decision.options.size());
  }
  countable_ = less_than_2_to_64(options_);
}

std::uint64_t Seen::key(const spaces::Genotype& genotype) const {
  std::uint64_t key = 0;
  for (std::size_t i = 0; i < options_.size(); ++i) {
    key = (countable_ ? key : mix(key)) * options_[i] + genotype.choices[i];
  }
  return key;
}

std::optional<spaces::Genotype> Seen::claim(const spaces::Genotype& genotype) {
  if (!keys_.insert(key(genotype))) return std::nullopt;  // canonical() is dear
  spaces::Genotype canonical = space_.canonical(genotype);
  if (canonical != genotype && !keys_.insert(key(canonical))) return std::nullopt;
  ++claimed_;
  return canonical;
}

std::optional<spaces::Genotype> Seen::claim_random(Rng& rng) {
  if (exhausted_) return std::nullopt;
  for (int draw = 0; draw < kDraws; ++draw) {
    if (auto genotype = claim(spaces::sample(space_, rng))) return genotype;
  }
  if (walk_start_.choices.empty()) walk_ = walk_start_ = spaces::sample(space_, rng);
  return claim_next();
}

std::optional<spaces::Genotype> Seen::claim_start(Rng& rng) {
  while (started_ < start_.genotypes.size()) {
    if (auto genotype = claim(start_.genotypes[started_++])) return genotype;
  }
  for (int draw = 0; start_.distribution && draw < kDraws; ++draw) {
    if (auto genotype = claim(start_.distribution->sample(rng))) return genotype;
  }
  return claim_random(rng);
}

std::optional<spaces::Genotype> Seen::claim_next() {
  for (int step = 0; step < kMaxSteps && !exhausted_; ++step) {
    // Claiming canonical genotypes alone keeps the keys of all others on the way out of the set.
    auto genotype = space_.canonical(walk_) == walk_ ? claim(walk_) : std::nullopt;
    increment(walk_, options_);
    exhausted_ = walk_ == walk_start_;
    if (genotype) return genotype;
  }
  exhausted_ = true;
  return std::nullopt;
}

}  // namespace hwnas::search
