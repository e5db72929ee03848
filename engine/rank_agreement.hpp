#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/store.hpp"
#include "estimators/rank_statistics.hpp"

namespace hwnas::engine {

/// How far a supernet's scores can be trusted. A score is a cross-entropy: on the same samples it
/// ranks networks better than their accuracies do, of which many are nearly equal. Where that ranks
/// the networks of the check better, their size counts as much as their loss: of two networks with
/// the same loss, the larger one is commonly the better alone (docs/one_shot.md).
struct RankAgreement {
  int networks = 0;        ///< that are trained by now
  double size_weight = 0;  ///< nats for each factor e of parameters; 0: size does not count
  double tau = 0;          ///< Kendall's, between less score and accuracy trained alone
  double low = 0;          ///< of its 95 % interval
  double high = 0;
  estimators::Line line = {};  ///< accuracy trained alone, percent, over score, nats
  double residual = 0;         ///< root mean square of what it leaves of the accuracies, in points

  /// The lower, the better.
  double score(double loss, std::int64_t parameters) const;
};

/// Nothing with fewer than 5 networks trained.
std::optional<RankAgreement> rank_agreement(const std::vector<RankCheckRecord>& check);
/// The same of the split supernet; nothing where there is none.
std::optional<RankAgreement> few_shot_agreement(const std::vector<RankCheckRecord>& check);

/// Whose scores can be trusted: those of the supernet as it was trained first (also where there was
/// no check), of the split one, or none.
enum class TrustedScores { kOneShot, kFewShot, kNone };
TrustedScores trusted_scores(const std::vector<RankCheckRecord>& check, double least_tau);
/// Of the scores that are trusted; nothing where none are, or nothing was checked.
std::optional<RankAgreement> trusted_agreement(const std::vector<RankCheckRecord>& check,
                                               double least_tau);

}  // namespace hwnas::engine
