#include "train/few_shot.hpp"

#include <algorithm>
#include <utility>

#include "core/rng.hpp"

namespace hwnas::train {

FewShotSupernet::FewShotSupernet(const OneShotSupernet& whole, const spaces::SearchSpace& space,
                                 std::size_t decision, const TrainOptions& training,
                                 std::uint64_t seed)
    : space_(space), decision_(decision) {
  const std::size_t options = space.decisions()[decision].options.size();
  for (std::size_t option = 0; option < options; ++option) {
    splits_.push_back(whole.split_off({decision, static_cast<std::uint16_t>(option)}, training,
                                      derive_seed(seed, {decision, option})));
  }
}

TrainResult FewShotSupernet::train(const EpochCallback& on_epoch, std::stop_token stop) {
  TrainResult result;
  int earlier = 0;
  for (const std::unique_ptr<Supernet>& split : splits_) {
    const auto numbered = [&](EpochResult epoch) {
      epoch.epoch += earlier;
      result.epochs.push_back(epoch);
      return !on_epoch || on_epoch(epoch);
    };
    if (split->epochs_done() < split->epochs()) {
      const TrainResult part = split->train(numbered, stop);
      result.outcome = part.outcome;
      result.reason = part.reason;
      if (part.outcome != TrainOutcome::kComplete) return result;
      if (stop.stop_requested() && epochs_done() < epochs()) {
        result.outcome = TrainOutcome::kCancelled;
        result.reason = "cancelled between two splits";
        return result;
      }
    }
    earlier += split->epochs();
  }
  return result;
}

Evaluation FewShotSupernet::score(const spaces::Genotype& genotype,
                                  std::span<const std::size_t> samples) const {
  const spaces::Genotype canonical = space_.canonical(genotype);
  return split_of(canonical).score(canonical, samples);
}

ir::Weights FewShotSupernet::cut_out(const spaces::Genotype& genotype) const {
  const spaces::Genotype canonical = space_.canonical(genotype);
  return split_of(canonical).cut_out(canonical);
}

/// An option that changes nothing has its canonical genotype in the split of another one, which
/// trains the same network: its sampler draws it, too.
const Supernet& FewShotSupernet::split_of(const spaces::Genotype& canonical) const {
  return *splits_[canonical.choices[decision_]];
}

ir::Weights FewShotSupernet::state() const {
  ir::Weights all;
  for (const std::unique_ptr<Supernet>& split : splits_) all.layers.merge(split->state().layers);
  return all;
}

bool FewShotSupernet::restore(const ir::Weights& state) {
  return std::ranges::all_of(splits_, [&](auto& split) { return split->restore(state); });
}

int FewShotSupernet::epochs_done() const {
  int done = 0;
  for (const std::unique_ptr<Supernet>& split : splits_) done += split->epochs_done();
  return done;
}

int FewShotSupernet::epochs() const {
  int all = 0;
  for (const std::unique_ptr<Supernet>& split : splits_) all += split->epochs();
  return all;
}

std::optional<Disagreement> greatest_disagreement(const OneShotSupernet& supernet,
                                                  std::stop_token stop) {
  const std::vector<double> similarities = supernet.gradient_similarities(std::move(stop));
  if (similarities.empty()) return std::nullopt;
  const auto least = std::ranges::min_element(similarities);
  return Disagreement{static_cast<std::size_t>(least - similarities.begin()), *least};
}

}  // namespace hwnas::train
