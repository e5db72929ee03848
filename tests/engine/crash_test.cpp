// What survives when the program is killed at any instant, or cannot write.
#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <chrono>
#include <map>
#include <thread>

#include "core/rng.hpp"
#include "engine/differentiable_file.hpp"
#include "engine/pipeline.hpp"
#include "engine/store.hpp"
#include "tests/engine/fake_training.hpp"
#include "tests/engine/sample_run.hpp"

namespace hwnas::engine {
namespace {

using namespace std::chrono_literals;
using Results = std::map<std::uint64_t, std::string>;

constexpr int kKills = 100;

struct RunnerOptions {
  int workers = 2;
  std::chrono::microseconds longest_epoch{0};
  std::size_t file_size_limit = 0;  ///< 0: none
  std::vector<std::string> settings = {};
};

/// The program of runner.cpp on a run's folder.
class Runner {
 public:
  Runner(const std::filesystem::path& experiment, const std::filesystem::path& run,
         const RunnerOptions& options) {
    std::vector<std::string> arguments{HWNAS_ENGINE_RUNNER,
                                       experiment.string(),
                                       run.string(),
                                       std::to_string(options.workers),
                                       std::to_string(options.longest_epoch.count()),
                                       std::to_string(options.file_size_limit)};
    arguments.insert(arguments.end(), options.settings.begin(), options.settings.end());
    std::vector<char*> pointers;
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    errors_ = run.string() + ".errors";
    ::posix_spawn_file_actions_addopen(&actions, 2, errors_.c_str(), O_WRONLY | O_CREAT | O_TRUNC,
                                       0600);
    if (::posix_spawn(&process_, HWNAS_ENGINE_RUNNER, &actions, nullptr, pointers.data(),
                      environ) != 0) {
      throw std::runtime_error("cannot start " HWNAS_ENGINE_RUNNER);
    }
    ::posix_spawn_file_actions_destroy(&actions);
  }

  /// True if the program was still running.
  bool kill() {
    ::kill(process_, SIGKILL);
    return WIFSIGNALED(wait());
  }
  bool succeeded() {
    const int status = wait();
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }
  std::string errors() const {
    std::ifstream file(errors_);
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  int wait() {
    int status = 0;
    ::waitpid(process_, &status, 0);
    return status;
  }
  pid_t process_ = -1;
  std::string errors_;
};

/// What the store acknowledges as finished.
Results finished_trials(const std::filesystem::path& run) {
  Results results;
  if (!holds_run(run)) return results;
  for (const TrialRecord& trial : StoreReader(run).trials()) {
    if (!trial.state) continue;
    std::string& text = results[trial.id];
    text = fmt::format("{} {}", spaces::to_string(trial.genotype), to_string(*trial.state));
    for (const auto& metric : trial.metrics) text += fmt::format(" {}", metric.value);
  }
  return results;
}

TEST(Crash, KilledAtAnyInstantARunLosesNothingAndEndsAsIfUnbroken) {
  const TemporaryFolder folder;
  const auto experiment = write_wave_experiment(folder);
  start_run(Experiment::load(experiment), {.folder = folder / "unbroken"}, fake_training());
  const std::string unbroken = history_of(folder / "unbroken");
  Rng rng(1);
  int kills = 0;
  for (int round = 0; kills < kKills; ++round) {
    const auto run = folder / fmt::format("broken_{}", round);
    for (bool finished = false; !finished;) {
      const Results before = finished_trials(run);
      Runner runner(experiment, run, {.workers = 1 + kills % 2, .longest_epoch = 6ms});
      if (kills == kKills) {
        ASSERT_TRUE(runner.succeeded()) << runner.errors();
        finished = true;
      } else {
        std::this_thread::sleep_for(std::chrono::milliseconds(1 + rng.index(100)));
        finished = !runner.kill();
        kills += finished ? 0 : 1;
      }
      const Results after = finished_trials(run);
      for (const auto& [id, result] : before) ASSERT_EQ(after.at(id), result);
    }
    ASSERT_EQ(history_of(run), unbroken) << "round " << round;
  }
}

TEST(Crash, KilledBetweenTwoCheckpointsTheDifferentiableStageEndsWithTheSameDistribution) {
  const TemporaryFolder folder;
  const auto experiment = write_wave_experiment(folder);
  const std::vector<std::string> settings{
      "finalists.count=0",    "export=[]",
      "supernet={epochs: 1}", "evaluator={name: supernet}",
      "search.trials=4",      "differentiable={steps: 300, samples: 50, paths: 4}"};
  start_run(Experiment::load(experiment, settings), {.folder = folder / "unbroken"},
            fake_training());
  const DifferentiableRecord unbroken = load_differentiable(folder / "unbroken");
  Rng rng(1);
  int kills_within = 0;
  for (int round = 0; kills_within < 20; ++round) {
    const auto run = folder / fmt::format("broken_{}", round);
    for (bool finished = false; !finished;) {
      Runner runner(experiment, run, {.workers = 1 + round % 2, .settings = settings});
      std::this_thread::sleep_for(std::chrono::milliseconds(1 + rng.index(60)));
      finished = !runner.kill();
      const auto record = find_differentiable(run);
      kills_within += record && !record->summary ? 1 : 0;
    }
    const DifferentiableRecord broken = load_differentiable(run);
    ASSERT_EQ(broken.state.logits, unbroken.state.logits) << "round " << round;
    ASSERT_EQ(broken.summary->genotype, unbroken.summary->genotype);
    ASSERT_EQ(history_of(run), history_of(folder / "unbroken"));
  }
}

TEST(Crash, OutOfDiskSpaceARunStopsClearlyAndGoesOnLater) {
  const TemporaryFolder folder;
  const auto experiment = write_wave_experiment(folder);
  start_run(Experiment::load(experiment), {.folder = folder / "unbroken"}, fake_training());
  const auto run = folder / "starved";
  int failures = 0;
  bool finished = false;
  // The log of the store grows beyond 128 KiB in the course of the run.
  for (std::size_t limit = 32'768; !finished; limit += 16'384) {
    Runner runner(experiment, run, {.file_size_limit = limit});
    finished = runner.succeeded();
    if (finished) break;
    ++failures;
    EXPECT_THAT(runner.errors(), testing::AnyOf(testing::HasSubstr("disk is full"),
                                                testing::HasSubstr("cannot be read or written"),
                                                testing::HasSubstr("cannot write")));
  }
  EXPECT_GT(failures, 1);
  EXPECT_EQ(history_of(run), history_of(folder / "unbroken"));
}

}  // namespace
}  // namespace hwnas::engine
