// Features of networks that a space decodes: estimators/ cannot see spaces.

#include "estimators/network_features.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/config.hpp"
#include "estimators/kernel_features.hpp"
#include "spaces/search_space.hpp"

namespace hwnas::search {
namespace {

TEST(NetworkFeatures, OfNasBench201CountTheOperatorsThatTheGenotypeChose) {
  const auto space =
      spaces::make_space(Config::parse("{ family: nasbench201, cells_per_stage: 1 }", "space.yaml"),
                         {.input = {3, 32, 32}, .classes = 10});
  Rng rng(1);
  for (int i = 0; i < 200; ++i) {
    const spaces::Genotype genotype = space->canonical(spaces::sample(*space, rng));
    const ir::Network network = space->decode(genotype);
    const Eigen::RowVectorXd row = estimators::network_features(std::span(&network, 1)).row(0);
    const auto value = [&](std::string_view name) {
      return row[estimators::feature_column(estimators::network_feature_layout(), name)];
    };
    const auto chosen = [&](int option) {
      return static_cast<double>(std::ranges::count(genotype.choices, option));
    };
    // The stem and two residual blocks of two 3x3, a 1x1 and a pool; the last pool.
    EXPECT_EQ(value("raw.pointwise.count"), 2 + 3 * chosen(2)) << spaces::to_string(genotype);
    EXPECT_EQ(value("raw.conv.count"), 5 + 3 * chosen(3)) << spaces::to_string(genotype);
    EXPECT_EQ(value("raw.pool.count"), 3 + 3 * chosen(4)) << spaces::to_string(genotype);
    EXPECT_LE(value("eff.conv.count"), value("bwd.conv.count"));
    EXPECT_LE(value("eff.conv.count"), value("fwd.conv.count"));
  }
}

}  // namespace
}  // namespace hwnas::search
