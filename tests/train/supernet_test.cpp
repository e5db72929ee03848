#include "train/supernet.hpp"

#include <gmock/gmock.h>

#include <thread>

#include <torch/torch.h>
#include "core/error.hpp"
#include "tests/core/temporary_folder.hpp"
#include "tests/train/toy_problem.hpp"
#include "train/few_shot.hpp"
#include "train/path_sampler.hpp"
#include "train/subnet_torch.hpp"
#include "train/training_loop_torch.hpp"

namespace hwnas::train {
namespace {

using spaces::Genotype;

/// A small configuration of every family, for 8x8 images of four classes (for conv1d: 64 samples).
struct SampleSpace {
  const char* name;
  const char* yaml;
  ir::Shape input;
};
const SampleSpace kSpaces[] = {
    {"mobile",
     R"(
family: mobile
initial_pool: [ 1, 2 ]
stem: { channels: [ 4, 8 ], kernel: [ 1, 3 ], stride: 1 }
stages:
  - { depth: [ 0, 1, 2 ], channels: [ 4, 8 ], kernel: [ 3, 5 ], stride: 2, expansion: [ 1, 3 ],
      squeeze_excite: [ false, true ] }
head: { channels: [ 0, 16 ], features: [ 0, 8 ] }
)",
     {1, 8, 8}},
    {"dscnn",
     R"(
family: dscnn
stem: { channels: [ 4, 8 ], kernel: 3, stride: 1 }
blocks: { depth: [ 1, 2 ], channels: [ 4, 8 ], kernel: [ 3, 5 ] }
)",
     {1, 8, 8}},
    {"resnet",
     R"(
family: resnet
stem: { channels: [ 4, 8 ] }
stages:
  - { depth: [ 1, 2 ], channels: [ 4, 8 ] }
  - { depth: [ 1, 2 ], channels: [ 8, 12 ], stride: 2 }
)",
     {1, 8, 8}},
    {"conv1d",
     R"(
family: conv1d
stages:
  - { depth: [ 1, 2 ], channels: [ 4, 8 ], kernel: [ 3, 7 ] }
)",
     {1, 1, 64}},
    {"nasbench201", "{ family: nasbench201, cells_per_stage: 1, channels: 4 }", {1, 8, 8}},
};

/// A toy problem with the shape that a space is for.
struct ShapedProblem : toy::Problem {
  explicit ShapedProblem(const ir::Shape& shape) { dataset.shape = shape; }
};

/// How bright the image is: unlike the place of what is bright, that survives an average over it.
struct BrightnessProblem : ShapedProblem {
  explicit BrightnessProblem(const ir::Shape& shape) : ShapedProblem(shape) {
    Rng rng(1);
    const std::size_t pixels = dataset.bytes.size() / dataset.labels.size();
    for (std::size_t i = 0; i < dataset.bytes.size(); ++i) {
      const auto level = static_cast<std::size_t>(45 * dataset.labels[i / pixels]);
      dataset.bytes[i] = static_cast<std::uint8_t>(rng.index(100) + level);
    }
    data.normalisation = data::measure_normalisation(dataset, indices);
  }
};

SupernetOptions quick_options(SupernetScheme scheme = SupernetScheme::kSandwich, int epochs = 1) {
  SupernetOptions options;
  options.training = {
      .epochs = epochs, .batch_size = 50, .learning_rate = 0.05, .warmup_epochs = 0.2};
  options.scheme = scheme;
  options.calibration_samples = 200;
  return options;
}

std::unique_ptr<spaces::SearchSpace> make(const SampleSpace& sample) {
  return spaces::make_space(Config::parse(sample.yaml, sample.name), {sample.input, 4});
}

class EverySpace : public testing::TestWithParam<SampleSpace> {};

TEST_P(EverySpace, ANetworkCutOutComputesWhatItDidInTheSupernet) {
  const ShapedProblem problem(GetParam().input);
  const auto space = make(GetParam());
  const auto supernet = make_supernet(*space, problem.data, quick_options(), 1);
  supernet->train();
  const std::span<const std::size_t> samples = problem.data.validation.first(50);
  Rng rng(7);
  for (int i = 0; i < 200; ++i) {
    const Genotype genotype = spaces::sample(*space, rng);
    const Evaluation within = supernet->score(genotype, samples);
    const Evaluation alone = evaluate_network(space->decode(genotype), supernet->cut_out(genotype),
                                              problem.dataset, samples, problem.data.normalisation);
    ASSERT_NEAR(within.loss, alone.loss, 1e-5) << spaces::describe(*space, genotype);
    ASSERT_EQ(within.predictions, alone.predictions) << spaces::describe(*space, genotype);
  }
}

TEST_P(EverySpace, InBfloat16ItScoresNearlyWhatTheNetworkCutOutDoesInFloats) {
  const ShapedProblem problem(GetParam().input);
  const auto space = make(GetParam());
  SupernetOptions options = quick_options();
  options.training.precision = TrainPrecision::kBfloat16;
  if (activation_type(options.training) != torch::kBFloat16) {
    GTEST_SKIP() << "the processor does not compute in bfloat16";
  }
  const auto supernet = make_supernet(*space, problem.data, options, 1);
  supernet->train();
  Rng rng(7);
  for (int i = 0; i < 20; ++i) {
    const Genotype genotype = spaces::sample(*space, rng);
    const Evaluation within = supernet->score(genotype, problem.data.validation);
    const Evaluation alone =
        evaluate_network(space->decode(genotype), supernet->cut_out(genotype), problem.dataset,
                         problem.data.validation, problem.data.normalisation);
    EXPECT_NEAR(within.loss, alone.loss, 0.02) << spaces::describe(*space, genotype);
  }
}

TEST_P(EverySpace, IsTrainedByEveryScheme) {
  const BrightnessProblem problem(GetParam().input);
  const auto space = make(GetParam());
  std::vector<Genotype> networks = {largest_genotype(*space)};
  Rng rng(7);
  for (int i = 0; i < 9; ++i) networks.push_back(spaces::sample(*space, rng));
  const auto mean_loss = [&](const Supernet& supernet) {
    double sum = 0;
    for (const Genotype& genotype : networks) {
      sum += supernet.score(genotype, problem.data.validation).loss;
    }
    return sum / static_cast<double>(networks.size());
  };
  for (const auto scheme : {SupernetScheme::kSinglePath, SupernetScheme::kFair,
                            SupernetScheme::kSandwich, SupernetScheme::kProgressive}) {
    // Progressive shrinking opens the others late.
    networks.resize(scheme == SupernetScheme::kProgressive ? 1 : 10);
    SupernetOptions options = quick_options(scheme, 6);
    options.training.learning_rate = 0.1;
    const auto supernet = make_supernet(*space, problem.data, options, 1);
    const double before = mean_loss(*supernet);
    const TrainResult result = supernet->train();
    EXPECT_EQ(result.outcome, TrainOutcome::kComplete) << to_string(scheme) << result.reason;
    EXPECT_LT(mean_loss(*supernet), 0.8 * before) << to_string(scheme);
  }
}

TEST_P(EverySpace, InterruptedAfterEveryEpochItEndsWithTheSameWeights) {
  const ShapedProblem problem(GetParam().input);
  const auto space = make(GetParam());
  // Progressive shrinking sorts the channels within its fourth epoch.
  for (const auto& [scheme, epochs] :
       {std::pair{SupernetScheme::kSandwich, 3}, {SupernetScheme::kProgressive, 5}}) {
    const SupernetOptions options = quick_options(scheme, epochs);
    const auto unbroken = make_supernet(*space, problem.data, options, 1);
    unbroken->train();
    const TemporaryFolder folder;
    const auto file = folder / "supernet.safetensors";
    for (int done = 0; done < epochs; ++done) {
      const auto part = make_supernet(*space, problem.data, options, 1);
      if (done > 0) part->load(file);
      EXPECT_EQ(part->epochs_done(), done);
      std::stop_source stop;
      stop.request_stop();  // after the running epoch
      part->train({}, stop.get_token());
      part->save(file);
    }
    const auto broken = make_supernet(*space, problem.data, options, 1);
    broken->load(file);
    EXPECT_EQ(broken->epochs_done(), epochs);
    for (const Genotype& genotype : {smallest_genotype(*space), largest_genotype(*space)}) {
      EXPECT_EQ(broken->cut_out(genotype), unbroken->cut_out(genotype)) << to_string(scheme);
    }
  }
}

TEST_P(EverySpace, NetworksOfFullWidthComputeTheSameWithTheirChannelsSorted) {
  const auto space = make(GetParam());
  // Of its fourth step on, narrower networks are drawn, too.
  const PathSampler sampler(*space, SupernetScheme::kProgressive, 0, 400, 1);
  nn::SharedParameters shared;
  for (std::int64_t step = 0; step < 400; ++step) {
    for (const Genotype& path : sampler.paths(step)) shared.cover(space->decode(path));
  }
  torch::manual_seed(1);
  const torch::Tensor values = torch::randn({shared.size()});
  const auto order =
      shared.order_by_importance({values.data_ptr<float>(), std::size_t(shared.size())});
  const torch::Tensor sorted = values.index_select(0, torch::tensor(order));
  const torch::Tensor images =
      torch::randn({4, GetParam().input.channels, GetParam().input.height, GetParam().input.width});
  const auto logits = [&](const Genotype& genotype, const torch::Tensor& of) {
    Subnet subnet(space->decode(genotype), shared, torch::kCPU);
    subnet.take_from(of);
    subnet.module().train();
    return subnet.module().forward(images).detach();
  };
  for (std::int64_t step = 0; step < 300; step += 10) {
    const Genotype path = sampler.paths(step).back();
    EXPECT_TRUE(torch::allclose(logits(path, values), logits(path, sorted), 1e-3, 1e-3))
        << spaces::describe(*space, path);
  }
  EXPECT_FALSE(torch::equal(values, sorted));
}

TEST(Supernet, TrainsTheSameWithANetworkAThread) {
  const ShapedProblem problem({1, 8, 8});
  // Few networks: the largest and the smallest are drawn again in many steps.
  const SampleSpace few{"few",
                        "{ family: dscnn, stem: { channels: 4, kernel: 3, stride: 1 }, "
                        "blocks: { depth: 1, channels: [ 4, 8 ], kernel: 3 } }",
                        {1, 8, 8}};
  for (const auto& [sample, scheme] : {std::pair{kSpaces[0], SupernetScheme::kFair},
                                       {kSpaces[0], SupernetScheme::kSandwich},
                                       {few, SupernetScheme::kSandwich}}) {
    const auto space = make(sample);
    const auto trained = [&](int threads) {
      SupernetOptions options = quick_options(scheme, 3);
      options.training.threads = threads;
      const auto supernet = make_supernet(*space, problem.data, options, 1);
      supernet->train();
      return supernet->cut_out(largest_genotype(*space));
    };
    EXPECT_EQ(trained(2), trained(1)) << sample.name << " " << to_string(scheme);
  }
}

TEST_P(EverySpace, ANetworkCutOutComputesWhatItDidInASplitSupernet) {
  const ShapedProblem problem(GetParam().input);
  const auto space = make(GetParam());
  const auto whole = make_supernet(*space, problem.data, quick_options(), 1);
  whole->train();
  FewShotSupernet split(*whole, *space, greatest_disagreement(*whole)->decision,
                        quick_options().training, 2);
  EXPECT_EQ(split.train({}, {}).outcome, TrainOutcome::kComplete);
  const std::span<const std::size_t> samples = problem.data.validation.first(50);
  Rng rng(7);
  for (int i = 0; i < 20; ++i) {
    const Genotype genotype = spaces::sample(*space, rng);
    const Evaluation within = split.score(genotype, samples);
    const Evaluation alone = evaluate_network(space->decode(genotype), split.cut_out(genotype),
                                              problem.dataset, samples, problem.data.normalisation);
    ASSERT_NEAR(within.loss, alone.loss, 1e-5) << spaces::describe(*space, genotype);
  }
}

INSTANTIATE_TEST_SUITE_P(Spaces, EverySpace, testing::ValuesIn(kSpaces),
                         [](const auto& space) { return std::string(space.param.name); });

TEST(Supernet, LearnsTheProblemInSixEpochs) {
  const toy::Problem problem;
  const auto space = make(kSpaces[0]);
  const auto supernet =
      make_supernet(*space, problem.data, quick_options(SupernetScheme::kSandwich, 6), 1);
  supernet->train();
  EXPECT_GT(supernet->score(largest_genotype(*space), problem.data.validation).top1, 90);
}

TEST(Supernet, ScoresConcurrentlyAsAlone) {
  const toy::Problem problem;
  const auto space = make(kSpaces[0]);
  const auto supernet = make_supernet(*space, problem.data, quick_options(), 1);
  supernet->train();
  Rng rng(3);
  std::vector<Genotype> genotypes;
  for (int i = 0; i < 8; ++i) genotypes.push_back(spaces::sample(*space, rng));
  std::vector<double> alone, together(genotypes.size());
  for (const Genotype& genotype : genotypes) {
    alone.push_back(supernet->score(genotype, problem.data.validation).loss);
  }
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < genotypes.size(); ++i) {
    threads.emplace_back(
        [&, i] { together[i] = supernet->score(genotypes[i], problem.data.validation).loss; });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(alone, together);
}

TEST(Supernet, RefusesAFileOfAnotherTraining) {
  const toy::Problem problem;
  const auto space = make(kSpaces[0]);
  const TemporaryFolder folder;
  make_supernet(*space, problem.data, quick_options(), 1)->save(folder / "one");
  const auto expect_refused = [&](const SupernetOptions& options, std::uint64_t seed) {
    EXPECT_THROW(make_supernet(*space, problem.data, options, seed)->load(folder / "one"), Error);
  };
  expect_refused(quick_options(), 2);
  SupernetOptions other = quick_options();
  other.training.augmentation.flip = true;
  expect_refused(other, 1);
  other = quick_options();
  ++other.random_networks;
  expect_refused(other, 1);
  other = quick_options();
  other.training.threads = 2;
  EXPECT_NO_THROW(make_supernet(*space, problem.data, other, 1)->load(folder / "one"));
}

TEST(Supernet, HasRoomForWideNetworksThatLackSeveralStages) {
  const toy::Problem problem;
  const auto space = make({"",
                           R"(
family: mobile
stem: { channels: 8 }
stages:
  - { depth: 1, channels: [8, 16, 24], expansion: [1, 2, 3] }
  - { depth: [0, 1], channels: [8, 16, 24], expansion: [1, 2, 3] }
  - { depth: [0, 1], channels: [8, 16, 24], expansion: [1, 2, 3] }
  - { depth: [0, 1], channels: [8, 16, 24], expansion: [1, 2, 3] }
head: { channels: [0, 16, 32] }
)",
                           {1, 8, 8}});
  const auto supernet = make_supernet(*space, problem.data, quick_options(), 1);
  const auto decisions = space->decisions();
  for (int lacked = 0; lacked < 8; ++lacked) {
    Genotype genotype = largest_genotype(*space);
    for (std::size_t i = 0; i < decisions.size(); ++i) {
      for (int stage = 0; stage < 3; ++stage) {
        const bool lacks = (lacked >> stage & 1) != 0;
        if (lacks && decisions[i].name == fmt::format("stage{}.depth", stage + 2)) {
          genotype.choices[i] = 0;
        }
      }
    }
    EXPECT_NO_THROW(supernet->cut_out(genotype)) << spaces::to_string(genotype);
  }
}

TEST(PathSampler, TrainsEveryOptionEquallyOftenInEachFairStep) {
  const auto space = make(kSpaces[4]);  // decisions of five options each
  const PathSampler sampler(*space, SupernetScheme::kFair, 0, 10, 1);
  for (std::int64_t step = 0; step < 10; ++step) {
    const std::vector<Genotype> paths = sampler.paths(step);
    ASSERT_EQ(paths.size(), 5U);
    for (std::size_t decision = 0; decision < space->decisions().size(); ++decision) {
      std::set<std::uint16_t> options;
      for (const Genotype& path : paths) options.insert(path.choices[decision]);
      EXPECT_EQ(options.size(), 5U);
    }
  }
}

TEST(PathSampler, TrainsOptionsOfSmallerDecisionsEquallyOftenOverFairSteps) {
  const auto space = make(kSpaces[0]);  // two or three options each, so steps of three networks
  constexpr std::int64_t kSteps = 3000;
  const PathSampler sampler(*space, SupernetScheme::kFair, 0, kSteps, 1);
  std::map<std::pair<std::size_t, std::uint16_t>, double> shares;
  for (std::int64_t step = 0; step < kSteps; ++step) {
    const std::vector<Genotype> paths = sampler.paths(step);
    ASSERT_EQ(paths.size(), 3U);
    for (const Genotype& path : paths) {
      for (std::size_t i = 0; i < path.choices.size(); ++i) {
        shares[{i, path.choices[i]}] += 1.0 / (kSteps * 3);
      }
    }
  }
  for (const auto& [choice, share] : shares) {
    const auto options = static_cast<double>(space->decisions()[choice.first].options.size());
    EXPECT_NEAR(share, 1 / options, 0.02) << space->decisions()[choice.first].name;
  }
}

TEST(PathSampler, OpensKernelsBeforeDepthsAndWidthsLast) {
  const auto space = make(kSpaces[0]);
  const PathSampler sampler(*space, SupernetScheme::kProgressive, 0, 400, 1);
  const Genotype largest = largest_genotype(*space);
  EXPECT_EQ(sampler.paths(0), std::vector{largest});
  const auto decisions = space->decisions();
  std::vector<std::int64_t> first_seen(decisions.size(), 400);
  for (std::int64_t step = 0; step < 400; ++step) {
    for (const Genotype& path : sampler.paths(step)) {
      for (std::size_t i = 0; i < decisions.size(); ++i) {
        if (path.choices[i] != largest.choices[i]) {
          first_seen[i] = std::min(first_seen[i], step);
        }
      }
    }
  }
  for (std::size_t i = 0; i < decisions.size(); ++i) {
    const bool kernel = decisions[i].name.ends_with("kernel");
    const bool depth = decisions[i].name.ends_with("depth");
    const std::int64_t opens = kernel ? 100 : depth ? 200 : 300;
    EXPECT_GE(first_seen[i], opens) << decisions[i].name;
    EXPECT_LT(first_seen[i], opens + 50) << decisions[i].name;
  }
}

}  // namespace
}  // namespace hwnas::train
