#include "engine/rank_agreement.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

namespace hwnas::engine {
namespace {

// Scores by chance order four as their accuracies do in one of 24 cases, five in one of 120.
constexpr std::size_t kLeastNetworks = 5;

double standard_deviation(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / n);
}

/// That gives both terms of a score the same spread (unit weights: Dawes, "The Robust Beauty of
/// Improper Linear Models in Decision Making", 1979). A dozen networks are too few to fit one.
double equal_weight(const std::vector<double>& losses, const std::vector<std::int64_t>& sizes) {
  std::vector<double> logarithms;
  for (const std::int64_t size : sizes) logarithms.push_back(std::log(static_cast<double>(size)));
  const double spread = standard_deviation(logarithms);
  return spread > 0 ? standard_deviation(losses) / spread : 0;
}

RankAgreement agreement_with(double size_weight, const std::vector<double>& losses,
                             const std::vector<std::int64_t>& sizes,
                             const std::vector<double>& accuracies) {
  RankAgreement result{.networks = static_cast<int>(losses.size()), .size_weight = size_weight};
  std::vector<double> scores, ranked;
  for (std::size_t i = 0; i < losses.size(); ++i) {
    scores.push_back(result.score(losses[i], sizes[i]));
    ranked.push_back(-scores.back());
  }
  result.tau = estimators::kendall(ranked, accuracies);
  const estimators::TauInterval interval = estimators::kendall_interval(ranked, accuracies);
  result.low = interval.low;
  result.high = interval.high;
  result.line = estimators::median_slope_line(scores, accuracies);
  double squares = 0;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const double rest = accuracies[i] - result.line.at(scores[i]);
    squares += rest * rest;
  }
  result.residual = std::sqrt(squares / static_cast<double>(scores.size()));
  return result;
}

/// Of the networks that are trained alone and have the loss.
std::optional<RankAgreement> agreement_of(
    const std::vector<RankCheckRecord>& check,
    const std::function<std::optional<double>(const RankCheckRecord&)>& loss_of) {
  std::vector<double> losses, accuracies;
  std::vector<std::int64_t> sizes;
  for (const RankCheckRecord& network : check) {
    const std::optional<double> loss = loss_of(network);
    if (!network.alone_top1 || !loss) continue;
    losses.push_back(*loss);
    sizes.push_back(network.parameters);
    accuracies.push_back(*network.alone_top1);
  }
  if (losses.size() < kLeastNetworks) return std::nullopt;
  const RankAgreement by_loss = agreement_with(0, losses, sizes, accuracies);
  const RankAgreement by_both =
      agreement_with(equal_weight(losses, sizes), losses, sizes, accuracies);
  return by_both.tau > std::max(0.0, by_loss.tau) ? by_both : by_loss;
}

}  // namespace

double RankAgreement::score(double loss, std::int64_t parameters) const {
  // Without this a network without parameters would score NaN.
  if (size_weight == 0) return loss;
  return loss - size_weight * std::log(static_cast<double>(parameters));
}

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
