// HELP's latency-constrained problems (Lee et al., NeurIPS 2021, Table 4: NAS-Bench-201, CIFAR-100,
// five devices with three limits each), with ten measurements on each device for its three limits:
//   latency_limits --figure help_limits
// Each device is learned by five networks of a D-optimal design. The other five go to the network
// and limit with the largest expected improvement under the limit (Gardner et al., "Bayesian
// Optimization with Inequality Constraints", ICML 2014): the validation accuracy it adds times the
// probability that it keeps the limit. What is named for a limit is the most accurate measured
// network that keeps it, so a limit can be broken only where no measured network keeps it.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "bench/cost_figures.hpp"
#include "bench/cost_table.hpp"
#include "bench/linear_learners.hpp"
#include "core/error.hpp"
#include "core/normal.hpp"
#include "core/rng.hpp"

namespace hwnas::bench {
namespace {

using estimators::FeatureMatrix;

constexpr int kDraws = 30;
constexpr int kDesigned = 5;
constexpr int kMeasurements = 10;
constexpr int kTrainingRows = 900;  // of HELP's protocol
constexpr std::size_t kCandidates = 200;
constexpr std::size_t kLimits = 3;

struct Problem {
  const char* device;
  std::array<double, kLimits> limits_ms;
};
constexpr Problem kProblems[] = {{"titan_rtx_256", {18, 21, 25}},
                                 {"gold_6226", {8, 11, 14}},
                                 {"pixel2", {14, 18, 22}},
                                 {"eyeriss", {5, 7, 9}},
                                 {"fpga", {4, 5, 6}}};

struct Space {
  CostTable table;
  EncodedNetworks networks;
  std::vector<double> validation;
  std::vector<double> test;
};

/// What was named for one limit.
struct Answer {
  bool broken = false;
  double validation_gap = 0;  ///< points to the most accurate network that keeps the limit
  double test_gap = 0;
  double validation_best_test_gap = 0;  ///< of the network that is best by validation
};

/// The most accurate network that keeps the limit.
std::size_t best_within(const std::vector<double>& accuracy, const std::vector<double>& latency,
                        double limit) {
  std::size_t best = 0;
  for (std::size_t i = 0; i < accuracy.size(); ++i) {
    const bool keeps = latency[i] <= limit;
    if (keeps && (latency[best] > limit || accuracy[i] > accuracy[best])) best = i;
  }
  return best;
}

/// One device in one draw.
class Search {
 public:
  Search(const Space& space, const Problem& problem, const Learner& learner)
      : space_(space),
        problem_(problem),
        latency_(space.table.costs.at(problem.device)),
        learner_(learner) {}

  std::array<Answer, kLimits> run(std::uint64_t draw) {
    measure_design(draw);
    std::vector<estimators::Prediction> predictions = predict();
    while (std::ssize(measured_) < kMeasurements) {
      measured_.push_back(most_promising(predictions));
      predictions = predict();
    }
    std::array<Answer, kLimits> answers;
    for (std::size_t i = 0; i < kLimits; ++i)
      answers[i] = answer(problem_.limits_ms[i], predictions);
    return answers;
  }

 private:
  void measure_design(std::uint64_t draw) {
    std::vector<int> rows(kTrainingRows);
    for (int i = 0; i < kTrainingRows; ++i) rows[i] = i;
    std::ranges::stable_sort(rows, {}, [&](int row) { return space_.networks.macs[row]; });
    rows = {rows.begin() + kTrainingRows / 10, rows.end() - kTrainingRows / 10};
    Rng rng(derive_seed(draw, {}));
    rng.shuffle<int>(rows);
    rows.resize(kCandidates);
    const FeatureMatrix candidates = space_.networks.features(rows, Eigen::all);
    for (const int chosen : learner_.choose(candidates, kDesigned, nullptr)) {
      measured_.push_back(rows[chosen]);
    }
  }

  std::vector<estimators::Prediction> predict() const {
    Eigen::VectorXd costs(std::ssize(measured_));
    for (Eigen::Index i = 0; i < costs.size(); ++i) costs[i] = latency_[measured_[i]];
    return learner_.fit(space_.networks.features(measured_, Eigen::all), costs)
        ->predict(space_.networks.features);
  }

  double best_measured(double limit) const {
    double best = 0;
    for (const int row : measured_) {
      if (latency_[row] <= limit) best = std::max(best, space_.validation[row]);
    }
    return best;
  }

  int most_promising(const std::vector<estimators::Prediction>& predictions) const {
    std::vector<double> improvements(predictions.size());
    for (const double limit : problem_.limits_ms) {
      const double best = best_measured(limit);
      for (std::size_t row = 0; row < predictions.size(); ++row) {
        const double added = space_.validation[row] - best;
        if (added > 0) improvements[row] += added * keeps(predictions[row], limit);
      }
    }
    for (const int row : measured_) improvements[row] = -1;
    return static_cast<int>(std::ranges::max_element(improvements) - improvements.begin());
  }

  static double keeps(const estimators::Prediction& prediction, double limit) {
    return normal_probability((limit - prediction.mean) / prediction.standard_deviation);
  }

  Answer answer(double limit, const std::vector<estimators::Prediction>& predictions) const {
    std::vector<int> rows;
    std::ranges::copy_if(measured_, std::back_inserter(rows),
                         [&](int row) { return latency_[row] <= limit; });
    const auto accuracy = [&](int row) { return space_.validation[row]; };
    int row = 0;
    if (!rows.empty()) {
      row = *std::ranges::max_element(rows, {}, accuracy);
    } else {
      const auto safest = std::ranges::max_element(
          predictions, {}, [&](const auto& prediction) { return keeps(prediction, limit); });
      row = static_cast<int>(safest - predictions.begin());
    }
    const std::size_t by_validation = best_within(space_.validation, latency_, limit);
    const double best_test = space_.test[best_within(space_.test, latency_, limit)];
    return {latency_[row] > limit, space_.validation[by_validation] - space_.validation[row],
            best_test - space_.test[row], best_test - space_.test[by_validation]};
  }

  const Space& space_;
  const Problem& problem_;
  const std::vector<double>& latency_;
  const Learner& learner_;
  std::vector<int> measured_;
};

class Totals {
 public:
  void add(const Answer& answer) {
    ++answers_;
    broken_ += answer.broken;
    validation_ += answer.validation_gap;
    test_ += answer.test_gap;
    best_test_ += answer.validation_best_test_gap;
  }
  std::string text() const {
    return fmt::format(
        "{} of {} broken, {:.2f} points of validation accuracy below the best within the limit "
        "({:.2f} "
        "of test accuracy; the best by validation itself {:.2f})",
        broken_, answers_, validation_ / answers_, test_ / answers_, best_test_ / answers_);
  }

 private:
  int answers_ = 0;
  int broken_ = 0;
  double validation_ = 0;
  double test_ = 0;
  double best_test_ = 0;
};

Space read_space(const std::filesystem::path& data, const std::vector<std::string>& sources) {
  std::vector<std::string> columns = sources;
  for (const Problem& problem : kProblems) columns.emplace_back(problem.device);
  columns.insert(columns.end(), {"c100_val_200ep", "c100_test_200ep"});
  Space space{.table = read_cost_tables({data / "help/nb201_latency_ms.csv.gz",
                                         data / "nasbench201/nb201_accuracy.csv.gz"},
                                        "ops", columns),
              .networks = {},
              .validation = {},
              .test = {}};
  space.networks = encode_nasbench201(space.table.genotypes);
  space.validation = space.table.costs.at("c100_val_200ep");
  space.test = space.table.costs.at("c100_test_200ep");
  return space;
}

Setting setting_of(const Space& space, const std::vector<std::string>& sources) {
  Setting setting{space.networks, {}};
  for (const std::string& name : sources) {
    const std::vector<double>& column = space.table.costs.at(name);
    setting.sources.push_back({name, space.networks.features.topRows(kTrainingRows),
                               Eigen::Map<const Eigen::VectorXd>(column.data(), kTrainingRows)});
  }
  return setting;
}

void run(const std::filesystem::path& data) {
  const std::vector<std::string> sources = cost_figure("help_nb201_10", data).options.sources;
  const Space space = read_space(data, sources);
  const Setting setting = setting_of(space, sources);
  const Learner learner = d_optimal_bayes_linear(setting);
  Totals all;
  for (const Problem& problem : kProblems) {
    std::array<Totals, kLimits> of_limit;
    for (std::uint64_t draw = 0; draw < kDraws; ++draw) {
      const auto answers = Search(space, problem, learner).run(draw);
      for (std::size_t i = 0; i < kLimits; ++i) {
        of_limit[i].add(answers[i]);
        all.add(answers[i]);
      }
    }
    for (std::size_t i = 0; i < kLimits; ++i) {
      fmt::print("{:<14} {:>4} ms: {}\n", problem.device, problem.limits_ms[i], of_limit[i].text());
    }
  }
  fmt::print("{}\n", all.text());
}

}  // namespace
}  // namespace hwnas::bench

int main(int argc, char** argv) {
  if (argc != 3 || std::string_view(argv[1]) != "--figure" ||
      std::string_view(argv[2]) != "help_limits") {
    fmt::print(stderr, "usage: latency_limits --figure help_limits\n");
    return 2;
  }
  try {
    const char* const folder = std::getenv("HWNAS_DATA");
    const std::filesystem::path data =
        folder != nullptr ? folder : HWNAS_SOURCE_DIR "/../shared/data";
    if (!std::filesystem::exists(data / "help")) {
      fmt::print("skipped: no {}; set HWNAS_DATA\n", (data / "help").string());
      return 0;
    }
    hwnas::bench::run(data);
  } catch (const hwnas::Error& e) {
    fmt::print(stderr, "latency_limits: {}\n", e.what());
    return 1;
  }
}
