#include "train/few_shot.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <numbers>
#include <set>

#include <torch/torch.h>
#include "core/error.hpp"
#include "tests/core/temporary_folder.hpp"
#include "tests/train/toy_problem.hpp"
#include "train/gradient_matching_torch.hpp"
#include "train/path_sampler.hpp"

namespace hwnas::train {
namespace {

using spaces::Genotype;
using testing::AllOf;
using testing::DoubleNear;
using testing::Ge;
using testing::Le;

/// Of the second block nothing is decided where the stage has one.
constexpr const char* kSpace = R"(
family: mobile
per_block: true
stem: { channels: [ 4, 8 ], stride: 1 }
stages: [ { depth: [ 1, 2 ], channels: 8, kernel: [ 3, 5 ], expansion: 2, stride: 2 } ]
)";
constexpr std::size_t kDepth = 1;
constexpr std::size_t kSecondKernel = 3;

SupernetOptions quick_options(SupernetScheme scheme = SupernetScheme::kSandwich) {
  SupernetOptions options;
  options.training = {.epochs = 1, .batch_size = 50, .learning_rate = 0.05, .warmup_epochs = 0.2};
  options.scheme = scheme;
  options.calibration_samples = 200;
  return options;
}

TrainOptions split_options(int epochs = 2) {
  TrainOptions options = quick_options().training;
  options.epochs = epochs;
  return options;
}

/// A trained supernet of kSpace.
class FewShot : public testing::Test {
 protected:
  explicit FewShot(SupernetScheme scheme = SupernetScheme::kSandwich)
      : whole_(make_supernet(*space_, problem_.data, quick_options(scheme), 1)) {
    whole_->train();
  }
  std::vector<Genotype> genotypes(int count) const {
    Rng rng(5);
    std::vector<Genotype> genotypes;
    for (int i = 0; i < count; ++i) genotypes.push_back(spaces::sample(*space_, rng));
    return genotypes;
  }
  FewShotSupernet split(std::size_t decision, int epochs = 2) const {
    return {*whole_, *space_, decision, split_options(epochs), 3};
  }

  const toy::Problem problem_;
  const std::unique_ptr<spaces::SearchSpace> space_ =
      spaces::make_space(Config::parse(kSpace, "space"), {{1, 8, 8}, 4});
  const std::unique_ptr<OneShotSupernet> whole_;
};

TEST_F(FewShot, StartsWithTheWeightsOfTheWhole) {
  ASSERT_EQ(space_->decisions()[kSecondKernel].name, "stage1.block2.kernel");
  const FewShotSupernet split = this->split(kSecondKernel);
  EXPECT_EQ(split.epochs(), 4);
  for (const Genotype& genotype : genotypes(8)) {
    EXPECT_EQ(split.cut_out(genotype), whole_->cut_out(genotype));
  }
}

TEST_F(FewShot, TrainsEachSplitAlone) {
  FewShotSupernet split = this->split(kDepth);
  Genotype shallow = smallest_genotype(*space_), deep = largest_genotype(*space_);
  const ir::Weights shallow_before = split.cut_out(shallow), deep_before = split.cut_out(deep);
  std::stop_source stop;
  std::vector<int> epochs;
  const auto on_epoch = [&](const EpochResult& epoch) {
    epochs.push_back(epoch.epoch);
    if (epoch.epoch == 2) stop.request_stop();
    return true;
  };
  EXPECT_EQ(split.train(on_epoch, stop.get_token()).outcome, TrainOutcome::kCancelled);
  EXPECT_NE(split.cut_out(shallow), shallow_before);
  EXPECT_EQ(split.cut_out(deep), deep_before);
  EXPECT_EQ(split.train(on_epoch, {}).outcome, TrainOutcome::kComplete);
  EXPECT_NE(split.cut_out(deep), deep_before);
  EXPECT_THAT(epochs, testing::ElementsAre(1, 2, 3, 4));
}

TEST_F(FewShot, GivesGenotypesOfOneNetworkToOneSplit) {
  FewShotSupernet split = this->split(kSecondKernel);
  split.train({}, {});
  Genotype one_block = smallest_genotype(*space_);
  Genotype same_network = one_block;
  same_network.choices[kSecondKernel] = 1;
  ASSERT_EQ(space_->canonical(same_network), one_block);
  EXPECT_EQ(split.cut_out(same_network), split.cut_out(one_block));
  EXPECT_EQ(split.score(same_network, problem_.data.validation).loss,
            split.score(one_block, problem_.data.validation).loss);
}

TEST_F(FewShot, ANetworkCutOutComputesWhatItDidInItsSplit) {
  FewShotSupernet split = this->split(kSecondKernel);
  split.train({}, {});
  const std::span<const std::size_t> samples = problem_.data.validation.first(50);
  for (const Genotype& genotype : genotypes(8)) {
    const Evaluation within = split.score(genotype, samples);
    const Evaluation alone =
        evaluate_network(space_->decode(genotype), split.cut_out(genotype), problem_.dataset,
                         samples, problem_.data.normalisation);
    EXPECT_NEAR(within.loss, alone.loss, 1e-5);
  }
}

TEST_F(FewShot, InterruptedAfterEveryEpochItEndsWithTheSameWeights) {
  FewShotSupernet unbroken = this->split(kSecondKernel);
  unbroken.train({}, {});
  const TemporaryFolder folder;
  const auto file = folder / "splits.safetensors";
  for (int epochs = 0; epochs < 4; ++epochs) {
    FewShotSupernet part = this->split(kSecondKernel);
    if (epochs > 0) part.load(file);
    EXPECT_EQ(part.epochs_done(), epochs);
    std::stop_source stop;
    stop.request_stop();  // after the running epoch
    part.train({}, stop.get_token());
    part.save(file);
  }
  FewShotSupernet broken = this->split(kSecondKernel);
  broken.load(file);
  EXPECT_EQ(broken.epochs_done(), 4);
  for (const Genotype& genotype : genotypes(8)) {
    EXPECT_EQ(broken.cut_out(genotype), unbroken.cut_out(genotype));
  }
}

TEST_F(FewShot, RefusesTheFileOfAnotherSplit) {
  const TemporaryFolder folder;
  split(kDepth).save(folder / "splits");
  FewShotSupernet other = this->split(kSecondKernel);
  EXPECT_THROW(other.load(folder / "splits"), Error);
  EXPECT_THROW(whole_->load(folder / "splits"), Error);
}

TEST_F(FewShot, SplitsWhereGradientsAgreeLeast) {
  const std::vector<double> similarities = whole_->gradient_similarities();
  ASSERT_EQ(similarities.size(), space_->decisions().size());
  EXPECT_THAT(similarities, testing::Each(AllOf(Ge(-1), Le(1))));
  EXPECT_EQ(whole_->gradient_similarities(), similarities);
  const Disagreement split = greatest_disagreement(*whole_).value();
  EXPECT_EQ(split.similarity, *std::ranges::min_element(similarities));
  EXPECT_EQ(split.similarity, similarities[split.decision]);
  EXPECT_LT(split.similarity, 0.999);
}

TEST_F(FewShot, ChoosesNothingOnceItIsToStop) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(greatest_disagreement(*whole_, stop.get_token()), std::nullopt);
}

class Split : public FewShot, public testing::WithParamInterface<SupernetScheme> {
 protected:
  Split() : FewShot(GetParam()) {}
};

TEST_P(Split, LearnsWithEveryScheme) {
  FewShotSupernet split = this->split(kDepth);
  const Genotype largest = largest_genotype(*space_);
  const double before = split.score(largest, problem_.data.validation).loss;
  EXPECT_EQ(split.train({}, {}).outcome, TrainOutcome::kComplete);
  EXPECT_LT(split.score(largest, problem_.data.validation).loss, before);
}

TEST_P(Split, DrawsOnlyNetworksWithItsChoice) {
  const PathSampler sampler(*space_, GetParam(), 2, 200, 1, FixedChoice{kSecondKernel, 0});
  std::set<Genotype> drawn;
  for (std::int64_t step = 0; step < 200; ++step) {
    for (const Genotype& path : sampler.paths(step)) {
      EXPECT_EQ(path.choices[kSecondKernel], 0);
      drawn.insert(path);
    }
  }
  EXPECT_EQ(drawn.size(), 8U);  // all combinations of the three decisions that are open
  EXPECT_EQ(sampler.largest().choices, (std::vector<std::uint16_t>{1, 1, 1, 0}));
}

INSTANTIATE_TEST_SUITE_P(Schemes, Split,
                         testing::Values(SupernetScheme::kSinglePath, SupernetScheme::kFair,
                                         SupernetScheme::kSandwich, SupernetScheme::kProgressive),
                         [](const auto& scheme) { return std::string(to_string(scheme.param)); });

/// Three decisions: of one option, of two and of three.
class Decisions final : public spaces::DecisionSpace {
 public:
  std::span<const spaces::Decision> decisions() const override { return decisions_; }

 private:
  const std::vector<spaces::Decision> decisions_{
      {"one", {"a"}, false}, {"two", {"a", "b"}, false}, {"three", {"a", "b", "c"}, false}};
};

TEST(GradientMatching, IsTheMeanCosineOverPairsOfOptions) {
  // "two" turns the first parameter's gradient round; "three" turns it by 0, 60 and 120 degrees.
  const auto gradient_of = [](const Genotype& genotype, std::size_t) {
    const double angle = genotype.choices[2] * std::numbers::pi / 3;
    const double sign = genotype.choices[1] == 0 ? 1 : -1;
    return SharedGradient{torch::tensor({sign * std::cos(angle), sign * std::sin(angle)}),
                          torch::ones({2})};
  };
  Rng rng(1);
  const std::vector<double> similarities = match_gradients(Decisions(), 3, rng, gradient_of);
  EXPECT_THAT(similarities, testing::ElementsAre(1, DoubleNear(-1, 1e-6),
                                                 DoubleNear((0.5 + 0.5 - 0.5) / 3, 1e-6)));
}

TEST(GradientMatching, LooksAtParametersOfBothNetworksOnly) {
  const SharedGradient a{torch::tensor({1.0F, 2.0F, 7.0F, 0.0F}),
                         torch::tensor({1.0F, 1.0F, 1.0F, 0.0F})};
  const SharedGradient b{torch::tensor({2.0F, -1.0F, 0.0F, 9.0F}),
                         torch::tensor({1.0F, 1.0F, 0.0F, 1.0F})};
  EXPECT_NEAR(cosine_similarity(a, b), 0, 1e-12);
  EXPECT_NEAR(cosine_similarity(a, a), 1, 1e-12);
  const SharedGradient nothing{torch::zeros({4}), torch::ones({4})};
  EXPECT_EQ(cosine_similarity(a, nothing), 1);
}

TEST(GradientMatching, MarksWhatANetworkHasWithItsKernelMatrices) {
  torch::Tensor present = torch::zeros({8});
  mark({.places = {0, 2}, .kernels = {{.positions = 2, .matrix = 4}}}, present);
  EXPECT_TRUE(
      torch::equal(present, torch::tensor({1.0F, 0.0F, 1.0F, 0.0F, 1.0F, 1.0F, 1.0F, 1.0F})));
}

}  // namespace
}  // namespace hwnas::train
