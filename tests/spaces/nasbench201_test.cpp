#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>

#include "core/config.hpp"
#include "core/csv.hpp"
#include "spaces/search_space.hpp"

namespace hwnas::spaces {
namespace {

constexpr Task kCifar10{{.channels = 3, .height = 32, .width = 32}, 10};

std::unique_ptr<SearchSpace> published_space() {
  return make_space(Config::load(HWNAS_SOURCE_DIR "/configs/spaces/nasbench201.yaml"), kCifar10);
}

/// "323123" as in the published tables.
Genotype genotype_of(std::string_view digits) {
  Genotype genotype;
  for (const char digit : digits) genotype.choices.push_back(digit - '0');
  return genotype;
}

TEST(NasBench201, Has6466NetworksBehind15625Genotypes) {
  const auto space = published_space();
  std::set<Genotype> networks;
  for (int cell = 0; cell < 15625; ++cell) {
    Genotype genotype{std::vector<std::uint16_t>(6)};
    for (int edge = 5, rest = cell; edge >= 0; --edge, rest /= 5) genotype.choices[edge] = rest % 5;
    networks.insert(space->canonical(genotype));
  }
  EXPECT_EQ(networks.size(), 6466U);
}

TEST(NasBench201, DeadOperationsAreCanonicallyNone) {
  const auto space = published_space();
  const auto canonical = [&](std::string_view digits) {
    return space->canonical(genotype_of(digits));
  };
  EXPECT_EQ(canonical("300000"), genotype_of("000000"));  // node 1 is read by nobody
  EXPECT_EQ(canonical("000033"), genotype_of("000003"));  // 1->3 reads a node that is zero
  EXPECT_NE(canonical("333333"), canonical("333332"));
}

TEST(NasBench201, NoneEdgesAreZeroLayersThatRemoveDeadLayersLeavesOut) {
  const auto space = published_space();
  const ir::Network full = space->decode(genotype_of("000300"));  // conv3x3 from input to output
  const auto is_zero = [](const ir::Layer& layer) {
    return std::holds_alternative<ir::Zero>(layer.op);
  };
  EXPECT_EQ(std::ranges::count_if(full.layers, is_zero), 15 * 5);
  const ir::Network live = ir::remove_dead_layers(full);
  EXPECT_EQ(std::ranges::count_if(live.layers, is_zero), 0);
  EXPECT_EQ(ir::macs(live), ir::macs(full));
}

/// The published table of all cells, or a skipped test where it is absent.
class NasBench201Table : public testing::Test {
 protected:
  void SetUp() override {
    const char* data = std::getenv("HWNAS_DATA");
    file_ = std::filesystem::path(data != nullptr ? data : HWNAS_SOURCE_DIR "/../shared/data") /
            "nasbench201/nb201_accuracy.csv.gz";
    if (!std::filesystem::exists(file_)) GTEST_SKIP() << "no " << file_ << ": set HWNAS_DATA";
  }

  std::filesystem::path file_;
  std::unique_ptr<SearchSpace> space_ = published_space();
};

TEST_F(NasBench201Table, HasOneCanonicalGenotypeForEachStructure) {
  CsvReader table = CsvReader::open(file_);
  const std::size_t ops = table.column("ops"), structure = table.column("iso_rep_idx");
  std::map<Genotype, std::int64_t> structure_of;
  std::map<std::int64_t, Genotype> genotype_of_structure;
  int cells = 0;
  for (; table.next(); ++cells) {
    const Genotype canonical = space_->canonical(genotype_of(table.text(ops)));
    const std::int64_t id = table.integer(structure);
    EXPECT_EQ(structure_of.emplace(canonical, id).first->second, id) << table.text(ops);
    EXPECT_EQ(genotype_of_structure.emplace(id, canonical).first->second, canonical)
        << table.text(ops);
  }
  EXPECT_EQ(cells, 15625);
}

// The table counts a cell's dead operations too, which canonical genotypes do not have; so only
// these are compared, every eighth of them.
TEST_F(NasBench201Table, HasTheParametersAndMacsOfDecodedCanonicalCells) {
  CsvReader table = CsvReader::open(file_);
  const std::size_t ops = table.column("ops"), parameters = table.column("params_c10"),
                    macs = table.column("macs_c10");
  int compared = 0;
  for (int canonical_cells = 0; table.next();) {
    const Genotype genotype = genotype_of(table.text(ops));
    if (space_->canonical(genotype) != genotype || canonical_cells++ % 8 != 0) continue;
    const ir::Network network = space_->decode(genotype);
    ASSERT_EQ(ir::parameters(network), table.integer(parameters)) << table.text(ops);
    ASSERT_EQ(ir::macs(network), table.integer(macs)) << table.text(ops);
    ++compared;
  }
  EXPECT_EQ(compared, 809);
}

}  // namespace
}  // namespace hwnas::spaces
