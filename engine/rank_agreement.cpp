#include "engine/rank_agreement.hpp"

#include <cmath>
#include <functional>

namespace hwnas::engine {
namespace {

// Scores by chance order four as their accuracies do in one of 24 cases, five in one of 120.
constexpr std::size_t kLeastNetworks = 5;

/// Of the networks that are trained alone and have the loss.
std::optional<RankAgreement> agreement_of(
    const std::vector<RankCheckRecord>& check,
    const std::function<std::optional<double>(const RankCheckRecord&)>& loss_of) {
  std::vector<double> losses, scores, accuracies;
  for (const RankCheckRecord& network : check) {
    const std::optional<double> loss = loss_of(network);
    if (!network.alone_top1 || !loss) continue;
    losses.push_back(*loss);
    scores.push_back(-*loss);
    accuracies.push_back(*network.alone_top1);
  }
  if (losses.size() < kLeastNetworks) return std::nullopt;
  const estimators::TauInterval interval = estimators::kendall_interval(scores, accuracies);
  const estimators::Line line = estimators::median_slope_line(losses, accuracies);
  double squares = 0;
  for (std::size_t i = 0; i < losses.size(); ++i) {
    const double rest = accuracies[i] - line.at(losses[i]);
    squares += rest * rest;
  }
  return RankAgreement{.networks = static_cast<int>(losses.size()),
                       .tau = estimators::kendall(scores, accuracies),
                       .low = interval.low,
                       .high = interval.high,
                       .line = line,
                       .residual = std::sqrt(squares / static_cast<double>(losses.size()))};
}

}  // namespace

std::optional<RankAgreement> rank_agreement(const std::vector<RankCheckRecord>& check) {
  return agreement_of(check, [](const RankCheckRecord& network) { return network.supernet_loss; });
}

std::optional<RankAgreement> few_shot_agreement(const std::vector<RankCheckRecord>& check) {
  return agreement_of(check, [](const RankCheckRecord& network) { return network.few_shot_loss; });
}

TrustedScores trusted_scores(const std::vector<RankCheckRecord>& check, double least_tau) {
  // A tau that is no number, of networks that all score the same, is no agreement either.
  const auto one_shot = rank_agreement(check);
  if (!one_shot || one_shot->tau >= least_tau) return TrustedScores::kOneShot;
  const auto few_shot = few_shot_agreement(check);
  if (few_shot && few_shot->tau >= least_tau) return TrustedScores::kFewShot;
  return TrustedScores::kNone;
}

std::optional<RankAgreement> trusted_agreement(const std::vector<RankCheckRecord>& check,
                                               double least_tau) {
  switch (trusted_scores(check, least_tau)) {
    case TrustedScores::kOneShot:
      return rank_agreement(check);
    case TrustedScores::kFewShot:
      return few_shot_agreement(check);
    case TrustedScores::kNone:
      break;
  }
  return std::nullopt;
}

}  // namespace hwnas::engine
