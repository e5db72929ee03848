#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "train/supernet.hpp"

namespace hwnas::train {

/// A trained supernet split by one decision: one supernet for each option, which starts with its
/// weights and is trained on with the networks of that option alone, so that networks share less
/// (Zhao et al., "Few-shot Neural Architecture Search", ICML 2021). Each network belongs to the
/// split of its canonical genotype's option.
///
/// The splits are trained one after the other: epoch e of split k is epoch k · training.epochs + e
/// of the whole, validated on the largest network of the split.
class FewShotSupernet final : public Supernet {
 public:
  /// `decision`: its place in the space's decisions. `training`: of each split, and `seed`: what
  /// each derives its own from. `space` outlives it, `whole` need not.
  FewShotSupernet(const OneShotSupernet& whole, const spaces::SearchSpace& space,
                  std::size_t decision, const TrainOptions& training, std::uint64_t seed);

  TrainResult train(const EpochCallback& on_epoch, std::stop_token stop) override;
  Evaluation score(const spaces::Genotype& genotype,
                   std::span<const std::size_t> samples) const override;
  ir::Weights cut_out(const spaces::Genotype& genotype) const override;
  ir::Weights state() const override;
  bool restore(const ir::Weights& state) override;
  int epochs_done() const override;
  int epochs() const override;

 private:
  const Supernet& split_of(const spaces::Genotype& canonical) const;

  const spaces::SearchSpace& space_;
  const std::size_t decision_;
  std::vector<std::unique_ptr<Supernet>> splits_;  ///< by option
};

/// The decision whose options agree least on what their shared weights should become: where to
/// split. The first one of equals.
struct Disagreement {
  std::size_t decision = 0;
  double similarity = 1;  ///< OneShotSupernet::gradient_similarities
};
/// Nothing if `stop` ended it.
std::optional<Disagreement> greatest_disagreement(const OneShotSupernet& supernet,
                                                  std::stop_token stop = {});

}  // namespace hwnas::train
