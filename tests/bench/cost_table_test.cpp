#include "bench/cost_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "core/error.hpp"
#include "tests/core/temporary_folder.hpp"

namespace hwnas::bench {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::NanSensitiveDoubleEq;

constexpr double kAbsent = std::numeric_limits<double>::quiet_NaN();

class CostTables : public testing::Test {
 protected:
  std::filesystem::path write(const std::string& folder, const std::string& text) {
    const auto path = root_ / folder / "latency.csv";
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
    return path;
  }

  std::string message_of(const std::vector<std::filesystem::path>& files,
                         const std::vector<std::string>& devices) {
    try {
      read_cost_tables(files, "ops", devices);
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  }

  TemporaryFolder root_;
};

TEST_F(CostTables, TakeEmptyAndNegativeFieldsAsAbsent) {
  const auto file = write("a", "ops,x,y\n01,1.5,\n02,-1,3\n");
  const CostTable table = read_cost_tables({file}, "ops", {"x", "y"});
  EXPECT_THAT(table.genotypes, ElementsAre("01", "02"));
  EXPECT_THAT(table.costs.at("x"), ElementsAre(1.5, NanSensitiveDoubleEq(kAbsent)));
  EXPECT_THAT(table.costs.at("y"), ElementsAre(NanSensitiveDoubleEq(kAbsent), 3));
}

TEST_F(CostTables, AreJoinedByGenotypeWhateverTheOrderOfRows) {
  const auto a = write("a", "ops,x\n01,1\n02,2\n");
  const auto b = write("b", "y,ops\n30,03\n20,02\n");
  const CostTable table = read_cost_tables({a, b}, "ops", {"x", "y"});
  EXPECT_THAT(table.genotypes, ElementsAre("01", "02", "03"));
  EXPECT_THAT(table.costs.at("x"), ElementsAre(1, 2, NanSensitiveDoubleEq(kAbsent)));
  EXPECT_THAT(table.costs.at("y"), ElementsAre(NanSensitiveDoubleEq(kAbsent), 20, 30));
}

TEST_F(CostTables, TellColumnsOfTheSameNameApartByTheFolder) {
  const auto a = write("a", "ops,x\n01,1\n");
  const auto b = write("b", "ops,x\n01,2\n");
  EXPECT_THAT(message_of({a, b}, {"x"}), HasSubstr("name one as 'a/x'"));
  const CostTable table = read_cost_tables({a, b}, "ops", {"b/x"});
  EXPECT_THAT(table.costs.at("b/x"), ElementsAre(2));
}

TEST_F(CostTables, NameTheNearestColumnForAnUnknownOne) {
  const auto file = write("a", "ops,raspi4\n01,1\n");
  EXPECT_THAT(message_of({file}, {"raspi3"}), HasSubstr("did you mean 'raspi4'"));
}

TEST_F(CostTables, RefuseAGenotypeThatIsThereTwice) {
  const auto file = write("a", "ops,x\n01,1\n01,2\n");
  EXPECT_THAT(message_of({file}, {"x"}), HasSubstr(":3: the genotype '01' is there twice"));
}

}  // namespace
}  // namespace hwnas::bench
