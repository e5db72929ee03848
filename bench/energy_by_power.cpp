// Energy of MLPerf Tiny's tasks from their measured latency: each (system, task) is held back in
// turn, and its power predicted from the system's other tasks and from other systems. Energy is
// power times latency, so that both have the same relative error. The last line is the share of
// held-back energies within 10 %.
//
// Log power is a sum of normal effects: of the chip, of the system on it (board, runtime, supply),
// of the task, and of the task on that chip, which gated accelerators have: parts of them sleep in
// one task and not in another. Their variances are those of the greatest likelihood on a grid,
// found anew for each held-back energy without it (restricted to what is left, as in Rasmussen and
// Williams, "Gaussian Processes for Machine Learning", 2006, equation 2.30).

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <Eigen/Cholesky>
#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>

#include "core/csv.hpp"
#include "core/error.hpp"

namespace {

using namespace hwnas;

struct Point {
  std::string round, system, chip, task;
  double log_power = 0;  ///< of mW
};

/// Boards of one chip are named differently by their submitters.
std::string chip_of(const std::string& system) {
  constexpr std::array kChips = {"L4R5",  "H7A3", "U575", "U385", "RA6M4",
                                 "RX65N", "xG24", "9120", "gap9"};
  for (const char* const chip : kChips) {
    if (system.find(chip) != std::string::npos) return chip;
  }
  return system;
}

/// Systems with energies of three tasks or more, without the streaming task, whose energy is not
/// one inference's. Systems that repeat the energies of an earlier round are left out: they would
/// tell the held-back ones.
std::vector<Point> read(const std::filesystem::path& file) {
  CsvReader csv = CsvReader::open(file);
  const auto text = [&](const char* column) -> const std::string& {
    return csv.text(csv.column(column));
  };
  std::vector<std::string> order;
  std::map<std::string, std::vector<Point>> systems;
  std::map<std::string, std::set<std::string>> energies;
  while (csv.next()) {
    if (text("energy_uJ_per_inf").empty() || text("throughput_inf_s").empty()) continue;
    if (text("benchmark") == "sww") continue;
    const bool own_rate = !text("throughput_energy_mode_inf_s").empty();
    const double rate = csv.number(
        csv.column(own_rate ? "throughput_energy_mode_inf_s" : "throughput_inf_s"), 1e-6);
    const double millijoules = csv.number(csv.column("energy_uJ_per_inf"), 1e-6) / 1e3;
    const std::string key =
        fmt::format("{} {} {}", text("round"), text("submitter"), text("system"));
    if (!systems.contains(key)) order.push_back(key);
    systems[key].push_back({text("round"), key, chip_of(text("system")), text("benchmark"),
                            std::log(millijoules * rate)});
    energies[key].insert(text("energy_uJ_per_inf"));
  }
  std::set<std::set<std::string>> seen;
  std::vector<Point> points;
  for (const std::string& key : order) {
    if (systems.at(key).size() < 3 || !seen.insert(energies.at(key)).second) continue;
    points.insert(points.end(), systems.at(key).begin(), systems.at(key).end());
  }
  if (points.empty()) throw invalid_argument("{} has no energies", file.string());
  return points;
}

/// Standard deviations of the effects on log power.
struct Effects {
  double task = 0, task_on_chip = 0, noise = 0;
};

/// Chips differ by factors, systems on one chip by tens of percent: wide enough to leave them free.
constexpr double kChipSd = 1.5, kSystemSd = 0.5;

std::vector<Effects> grid() {
  std::vector<Effects> all;
  for (const double task : {0.01, 0.03, 0.1}) {
    for (const double task_on_chip : {0.01, 0.03, 0.06, 0.12, 0.25}) {
      for (const double noise : {0.01, 0.02, 0.04, 0.08})
        all.push_back({task, task_on_chip, noise});
    }
  }
  return all;
}

double covariance(const Point& a, const Point& b, const Effects& effects) {
  const bool chip = a.chip == b.chip, task = a.task == b.task;
  return (chip ? kChipSd * kChipSd : 0) + (a.system == b.system ? kSystemSd * kSystemSd : 0) +
         (task ? effects.task * effects.task : 0) +
         (chip && task ? effects.task_on_chip * effects.task_on_chip : 0) +
         (&a == &b ? effects.noise * effects.noise : 0);
}

struct Prediction {
  double log_power = 0, sd = 0;
};

/// The prediction at points[held] from all others.
Prediction predict(const std::vector<Point>& points, std::size_t held) {
  std::vector<const Point*> rest;
  for (const Point& point : points) {
    if (&point != &points[held]) rest.push_back(&point);
  }
  const auto size = static_cast<Eigen::Index>(rest.size());
  Eigen::VectorXd target(size);
  for (Eigen::Index i = 0; i < size; ++i) target[i] = rest[i]->log_power;
  const double mean = target.mean();
  target.array() -= mean;
  double best = -1e300;
  Prediction result;
  for (const Effects& effects : grid()) {
    const auto with = [&](const Point& point) {
      return Eigen::VectorXd::NullaryExpr(
                 size, [&](Eigen::Index i) { return covariance(*rest[i], point, effects); })
          .eval();
    };
    Eigen::MatrixXd matrix(size, size);
    for (Eigen::Index i = 0; i < size; ++i) matrix.col(i) = with(*rest[i]);
    const Eigen::LLT<Eigen::MatrixXd> factor(matrix);
    const double likelihood = -0.5 * target.dot(factor.solve(target)) -
                              Eigen::MatrixXd(factor.matrixL()).diagonal().array().log().sum();
    if (likelihood <= best) continue;
    best = likelihood;
    const Eigen::VectorXd cross = with(points[held]);
    const double variance =
        covariance(points[held], points[held], effects) - cross.dot(factor.solve(cross));
    result = {mean + cross.dot(factor.solve(target)), std::sqrt(variance)};
  }
  return result;
}

/// The median power of the system's other tasks.
double one_power(const std::vector<Point>& points, std::size_t held) {
  std::vector<double> powers;
  for (const Point& point : points) {
    if (point.system == points[held].system && &point != &points[held]) {
      powers.push_back(std::exp(point.log_power));
    }
  }
  std::ranges::sort(powers);
  return std::log((powers[(powers.size() - 1) / 2] + powers[powers.size() / 2]) / 2);
}

double report(const std::string& name, std::vector<double> errors) {
  double within = 0, sum = 0;
  for (double& error : errors) {
    error = std::abs(error);
    within += error <= 0.1 ? 1 : 0;
    sum += error;
  }
  std::ranges::sort(errors);
  const auto count = static_cast<double>(errors.size());
  fmt::print("{:34} {} energies: median error {:.1f} %, mean {:.1f} %, within 10 % {:.1f}\n", name,
             errors.size(), 100 * errors[errors.size() / 2], 100 * sum / count,
             100 * within / count);
  return 100 * within / count;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Energy of MLPerf Tiny's tasks from measured latency, one task left out");
  std::filesystem::path data = HWNAS_SOURCE_DIR "/../shared/data";
  bool early = false;
  app.add_option("--data", data, "Folder of the data sets")->envname("HWNAS_DATA");
  app.add_flag("--early-rounds", early, "Only rounds v0.7 to v1.1");
  CLI11_PARSE(app, argc, argv);
  try {
    std::vector<Point> points = read(data / "mlperf_tiny/results.csv.gz");
    if (early) {
      std::erase_if(points, [](const Point& point) {
        return point.round != "v0.7" && point.round != "v1.0" && point.round != "v1.1";
      });
    }
    std::vector<double> single, effects;
    int covered = 0;
    for (std::size_t i = 0; i < points.size(); ++i) {
      const Prediction predicted = predict(points, i);
      single.push_back(std::expm1(one_power(points, i) - points[i].log_power));
      effects.push_back(std::expm1(predicted.log_power - points[i].log_power));
      covered +=
          std::abs(predicted.log_power - points[i].log_power) <= 1.645 * predicted.sd ? 1 : 0;
      if (std::abs(effects.back()) > 0.1) {
        fmt::print("{:44} {:4} {:+.1f} %\n", points[i].system, points[i].task,
                   100 * effects.back());
      }
    }
    report("one power a system", single);
    const double share = report("effects of chip, system and task", effects);
    fmt::print("90 % intervals hold {:.1f} %\n{:.1f}\n",
               100.0 * covered / static_cast<double>(points.size()), share);
  } catch (const Error& fault) {
    fmt::print(stderr, "energy_by_power: {}\n", fault.what());
    return 1;
  }
}
