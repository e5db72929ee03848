// What every space must do, run over every file in configs/spaces on every task its family is for.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "core/config.hpp"
#include "core/error.hpp"
#include "spaces/search_space.hpp"

namespace hwnas::spaces {
namespace {

struct Case {
  std::filesystem::path file;
  Task task;
};

Task images(int channels, int side, int classes) {
  return {{.channels = channels, .height = side, .width = side}, classes};
}

const std::map<std::string, std::vector<Task>, std::less<>> kTasks = {
    {"mobile", {images(1, 28, 10), images(3, 32, 10), images(3, 224, 1000)}},
    {"dscnn", {{{.channels = 1, .height = 49, .width = 10}, 12}, images(3, 32, 10)}},
    {"resnet", {images(1, 28, 10), images(3, 32, 100)}},
    {"conv1d",
     {{{.channels = 9, .height = 1, .width = 128}, 6},
      {{.channels = 1, .height = 1, .width = 7}, 2}}},
    {"nasbench201", {images(3, 32, 10), images(1, 28, 10)}},
};

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const auto& entry :
       std::filesystem::directory_iterator(HWNAS_SOURCE_DIR "/configs/spaces")) {
    const Config options = Config::load(entry.path());
    for (const Task& task : kTasks.at(options.at("family").as_string())) {
      cases.push_back({entry.path(), task});
    }
  }
  std::ranges::sort(cases, {}, &Case::file);
  return cases;
}

std::string name_of(const testing::TestParamInfo<Case>& info) {
  const auto& [file, task] = info.param;
  return file.stem().string() + "_" + std::to_string(task.input.channels) + "x" +
         std::to_string(task.input.height) + "x" + std::to_string(task.input.width);
}

TEST(Families, EachHasAConfigurationAndTasks) {
  std::set<std::string, std::less<>> configured;
  for (const Case& item : all_cases()) {
    configured.insert(Config::load(item.file).at("family").as_string());
  }
  for (const SpaceFamily& family : space_families()) {
    EXPECT_TRUE(configured.contains(family.name)) << family.name;
    EXPECT_FALSE(family.summary.empty());
  }
  EXPECT_EQ(configured.size(), space_families().size());
}

class Conformance : public testing::TestWithParam<Case> {
 protected:
  std::unique_ptr<SearchSpace> space_ = make_space(Config::load(GetParam().file), GetParam().task);

  std::size_t decision_count() const { return space_->decisions().size(); }

  Genotype smallest() const { return {std::vector<std::uint16_t>(decision_count(), 0)}; }

  Genotype largest() const {
    Genotype genotype = smallest();
    for (std::size_t i = 0; i < decision_count(); ++i) {
      genotype.choices[i] = static_cast<std::uint16_t>(space_->decisions()[i].options.size() - 1);
    }
    return genotype;
  }

  /// The smallest, the largest and 50 random genotypes.
  std::vector<Genotype> genotypes() const {
    std::vector<Genotype> result = {smallest(), largest()};
    Rng rng(11);
    for (int i = 0; i < 50; ++i) result.push_back(sample(*space_, rng));
    return result;
  }
};

TEST_P(Conformance, FileBeginsBySayingWhatItIsFor) {
  std::ifstream file(GetParam().file);
  std::string line;
  std::getline(file, line);
  EXPECT_TRUE(line.starts_with("# ") && line.size() > 20) << line;
}

TEST_P(Conformance, DecisionsAreOpenAndNamedOnce) {
  std::set<std::string> names;
  for (const Decision& decision : space_->decisions()) {
    EXPECT_TRUE(names.insert(decision.name).second) << decision.name;
    const std::set<std::string> options(decision.options.begin(), decision.options.end());
    EXPECT_EQ(options.size(), decision.options.size()) << decision.name;
    EXPECT_GE(options.size(), 2U) << decision.name << " is no decision";
  }
}

TEST_P(Conformance, DecodesToVerifiedNetworksOfTheTask) {
  for (const Genotype& genotype : genotypes()) {
    const ir::Network network = space_->decode(genotype);
    ASSERT_NO_THROW(ir::verify(network)) << describe(*space_, genotype);
    EXPECT_EQ(network.input, GetParam().task.input);
    EXPECT_EQ(ir::infer_shapes(network).back(), ir::Shape{.channels = GetParam().task.classes});
    EXPECT_TRUE(std::holds_alternative<ir::Linear>(network.layers.back().op));
    EXPECT_EQ(space_->decode(genotype), network);
  }
}

TEST_P(Conformance, RefusesStrangers) {
  Genotype out_of_range = largest();
  ++out_of_range.choices.back();
  Genotype too_long = smallest();
  too_long.choices.push_back(0);
  for (const Genotype& stranger : {out_of_range, too_long, Genotype{}}) {
    EXPECT_THROW(space_->decode(stranger), Error);
    EXPECT_THROW(space_->canonical(stranger), Error);
  }
}

TEST_P(Conformance, CanonicalGenotypesDecodeToTheSameNetwork) {
  for (const Genotype& genotype : genotypes()) {
    const Genotype canonical = space_->canonical(genotype);
    EXPECT_EQ(space_->decode(canonical), space_->decode(genotype)) << describe(*space_, genotype);
    EXPECT_EQ(space_->canonical(canonical), canonical) << describe(*space_, genotype);
  }
}

TEST_P(Conformance, NeighboursAreTheSameNetworkExactlyIfTheyAreCanonicallyEqual) {
  for (const Genotype& genotype : {smallest(), largest()}) {
    const ir::Network network = space_->decode(genotype);
    const Genotype canonical = space_->canonical(genotype);
    for (const Genotype& other : neighbours(*space_, genotype)) {
      EXPECT_EQ(space_->decode(other) == network, space_->canonical(other) == canonical)
          << describe(*space_, genotype) << "\n"
          << describe(*space_, other);
    }
  }
}

TEST_P(Conformance, OptionsOfOrderedDecisionsGrow) {
  for (const Decision& decision : space_->decisions()) {
    if (!decision.ordered || decision.options.front() == "false") continue;
    EXPECT_TRUE(std::ranges::is_sorted(decision.options, {}, [](const std::string& option) {
      return std::stod(option);
    })) << decision.name;
  }
}

TEST_P(Conformance, SamplesAreUniformInEveryDecisionAndRepeatable) {
  Rng rng(5), again(5);
  constexpr int kSamples = 2000;
  std::vector<std::map<int, int>> counts(decision_count());
  for (int i = 0; i < kSamples; ++i) {
    const Genotype genotype = sample(*space_, rng);
    ASSERT_EQ(sample(*space_, again), genotype);
    for (std::size_t d = 0; d < decision_count(); ++d) ++counts[d][genotype.choices[d]];
  }
  for (std::size_t d = 0; d < decision_count(); ++d) {
    const auto options = static_cast<int>(space_->decisions()[d].options.size());
    for (int option = 0; option < options; ++option) {
      EXPECT_NEAR(counts[d][option], kSamples / options, 5 * std::sqrt(kSamples / options));
    }
  }
}

TEST_P(Conformance, MutationChangesExactlyOneDecision) {
  Rng rng(6);
  for (const Genotype& parent : genotypes()) {
    const Genotype child = mutate(*space_, parent, rng);
    require_member(*space_, child);
    int changed = 0;
    for (std::size_t i = 0; i < decision_count(); ++i) {
      changed += child.choices[i] != parent.choices[i];
    }
    EXPECT_EQ(changed, 1);
  }
}

TEST_P(Conformance, NeighboursAndCodeCountAllOptions) {
  std::size_t options = 0;
  for (const Decision& decision : space_->decisions()) options += decision.options.size();
  for (const Genotype& genotype : {smallest(), largest()}) {
    const std::vector<Genotype> around = neighbours(*space_, genotype);
    EXPECT_EQ(std::set<Genotype>(around.begin(), around.end()).size(), options - decision_count());
    const std::vector<float> code = encode(*space_, genotype);
    EXPECT_EQ(code.size(), options);
    EXPECT_EQ(std::ranges::count(code, 1.0F), static_cast<std::ptrdiff_t>(decision_count()));
  }
}

INSTANTIATE_TEST_SUITE_P(Configs, Conformance, testing::ValuesIn(all_cases()), name_of);

}  // namespace
}  // namespace hwnas::spaces
