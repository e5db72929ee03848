#include "engine/rank_agreement.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace hwnas::engine {
namespace {

/// Accuracies alone of 90, 91, … percent, with these losses.
std::vector<RankCheckRecord> check_of(const std::vector<double>& losses,
                                      const std::vector<double>& few_shot_losses = {}) {
  std::vector<RankCheckRecord> check;
  for (std::size_t i = 0; i < losses.size(); ++i) {
    RankCheckRecord& network = check.emplace_back();
    network.supernet_loss = losses[i];
    network.alone_top1 = 90 + static_cast<double>(i);
    if (!few_shot_losses.empty()) network.few_shot_loss = few_shot_losses[i];
  }
  return check;
}

const std::vector<double> kFalling = {0.5, 0.4, 0.3, 0.2, 0.1};
const std::vector<double> kRising = {0.1, 0.2, 0.3, 0.4, 0.5};

TEST(RankAgreement, IsFullWhereLossesFallAsAccuraciesRise) {
  const auto agreement = rank_agreement(check_of(kFalling));
  ASSERT_TRUE(agreement);
  EXPECT_EQ(agreement->networks, 5);
  EXPECT_EQ(agreement->tau, 1);
  EXPECT_NEAR(agreement->line.slope, -10, 1e-9);
  EXPECT_NEAR(agreement->line.at(0.25), 92.5, 1e-9);
  EXPECT_NEAR(agreement->residual, 0, 1e-9);
}

TEST(RankAgreement, LeavesWhatTheLineDoesNotReach) {
  std::vector<RankCheckRecord> check = check_of(kFalling);
  check[4].alone_top1 = 99;  // five points above the line of the others
  const auto agreement = rank_agreement(check);
  EXPECT_NEAR(agreement->line.at(0.3), 92, 1e-9);
  EXPECT_NEAR(agreement->line.at(0.1), 94, 1e-9);
  EXPECT_NEAR(agreement->residual, std::sqrt(25.0 / 5), 1e-9);
}

TEST(RankAgreement, NeedsFiveNetworksTrainedAlone) {
  std::vector<RankCheckRecord> check = check_of(kFalling);
  check[2].alone_top1.reset();
  EXPECT_FALSE(rank_agreement(check));
  EXPECT_EQ(trusted_scores(check, 0.5), TrustedScores::kOneShot);
  EXPECT_FALSE(trusted_agreement(check, 0.5));
}

TEST(RankAgreement, CountsSizeAsMuchAsLossWhereThatRanksBetter) {
  std::vector<RankCheckRecord> check = check_of({0.3, 0.5, 0.2, 0.4, 0.1});
  for (std::size_t i = 0; i < check.size(); ++i) {
    check[i].parameters = std::int64_t{1000} << i;
  }
  const auto agreement = rank_agreement(check);
  EXPECT_GT(agreement->tau, 0.6 - 1e-9);  // 0.2 by loss
  // Losses and logarithms of size are both five values at even steps, of 0.1 and of ln 2.
  EXPECT_NEAR(agreement->size_weight, 0.1 / std::log(2), 1e-9);
  EXPECT_NEAR(agreement->score(0.3, 1000) - agreement->score(0.3, 2000), 0.1, 1e-9);
}

TEST(RankAgreement, DoesNotCountSizeWhereThatRanksNoBetter) {
  std::vector<RankCheckRecord> check = check_of({0.5, 0.4, 0.2, 0.3, 0.1});
  for (RankCheckRecord& network : check) network.parameters = 1000;
  EXPECT_EQ(rank_agreement(check)->size_weight, 0);  // all of one size
  for (std::size_t i = 0; i < check.size(); ++i) {
    check[i].parameters = std::int64_t{16000} >> i;
  }
  EXPECT_EQ(rank_agreement(check)->size_weight, 0);  // larger ones are worse
  EXPECT_EQ(rank_agreement(check)->score(0.3, 1000), 0.3);
}

TEST(RankAgreement, OfLossesThatAreAllTheSameIsNone) {
  const auto check = check_of({0.3, 0.3, 0.3, 0.3, 0.3});
  EXPECT_EQ(trusted_scores(check, -1), TrustedScores::kNone);
  EXPECT_FALSE(trusted_agreement(check, -1));
}

TEST(RankAgreement, IsThatOfTheSplitSupernetWhereOnlyItsScoresAreTrusted) {
  const auto check = check_of(kRising, kFalling);
  EXPECT_EQ(rank_agreement(check)->tau, -1);
  EXPECT_EQ(trusted_scores(check, 0.5), TrustedScores::kFewShot);
  EXPECT_EQ(trusted_agreement(check, 0.5)->tau, 1);
  EXPECT_FALSE(trusted_agreement(check_of(kRising, kRising), 0.5));
}

}  // namespace
}  // namespace hwnas::engine
