#include "bench/cost_quality.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <utility>

#include "bench/cell_features.hpp"
#include "bench/cost_table.hpp"
#include "bench/learners.hpp"
#include "core/error.hpp"
#include "core/rng.hpp"

namespace hwnas::bench {

namespace {

using estimators::Agreement;
using estimators::FeatureMatrix;
using Rows = std::vector<int>;

constexpr std::size_t kCandidates = 200;  // that a design chooses from
constexpr double kTrim = 0.1;             // of the fastest and of the slowest
constexpr std::size_t kQueries = 1000;    // of HELP's protocol

/// HELP's number of networks measured on source devices, and of candidates on a target.
std::size_t training_rows(const std::string& space) {
  return space == "fbnet" ? 4000 : 900;
}

/// Without the smallest and the largest tenth by `key`; the order is that of the key.
template <typename Key>
Rows trimmed(Rows rows, Key key) {
  std::ranges::stable_sort(rows, {}, key);
  const double n = static_cast<double>(rows.size());
  const auto end = static_cast<std::ptrdiff_t>(n * (1 - kTrim));
  rows.erase(rows.begin() + end, rows.end());
  rows.erase(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(n * kTrim));
  return rows;
}

FeatureMatrix features_of(const EncodedNetworks& networks, const Rows& rows) {
  return networks.features(rows, Eigen::all);
}

Eigen::VectorXd costs_of(const std::vector<double>& column, const Rows& rows) {
  Eigen::VectorXd result(std::ssize(rows));
  for (std::size_t i = 0; i < rows.size(); ++i)
    result[static_cast<Eigen::Index>(i)] = column[rows[i]];
  return result;
}

class Study {
 public:
  explicit Study(const QualityOptions& options) : options_(options) {
    std::vector<std::string> devices = options.sources;
    devices.insert(devices.end(), options.targets.begin(), options.targets.end());
    table_ = read_cost_tables(options.tables, options.genotype_column, devices);
    networks_ = encode(options.space, table_.genotypes);
  }

  std::vector<DeviceQuality> measure() const {
    std::vector<DeviceQuality> result;
    for (const std::string& target : options_.targets) {
      const Setting setting{networks_, sources_for(target)};
      const Learner learner = make_learner(options_.model, setting);
      for (const int samples : options_.samples) {
        result.push_back(measure(target, samples, learner));
      }
    }
    return result;
  }

 private:
  bool usable(const std::vector<double>& column, int row) const {
    return column[row] > 0 && (options_.protocol == Protocol::kHelp || networks_.connected[row]);
  }

  Rows usable_rows(const std::vector<double>& column, std::size_t begin, std::size_t end) const {
    Rows rows;
    for (std::size_t row = begin; row < std::min(end, column.size()); ++row) {
      if (usable(column, static_cast<int>(row))) rows.push_back(static_cast<int>(row));
    }
    return rows;
  }

  std::vector<SourceDevice> sources_for(const std::string& target) const {
    std::vector<SourceDevice> sources;
    for (const std::string& name : options_.sources) {
      if (name == target) continue;
      const std::vector<double>& column = table_.costs.at(name);
      const Rows rows = usable_rows(column, 0, training_rows(options_.space));
      sources.push_back({name, features_of(networks_, rows), costs_of(column, rows)});
    }
    return sources;
  }

  Rows by_macs(const Rows& rows) const {
    return trimmed(rows, [&](int row) { return networks_.macs[row]; });
  }

  /// Rows that may be measured, in an order of the draw.
  Rows candidates(const std::vector<double>& column, bool for_design, Rng& rng) const {
    const bool is_help = options_.protocol == Protocol::kHelp;
    Rows rows = usable_rows(column, 0, is_help ? training_rows(options_.space) : column.size());
    if (is_help || for_design) rows = by_macs(rows);
    rng.shuffle<int>(rows);
    if (for_design) rows.resize(std::min(rows.size(), kCandidates));
    return rows;
  }

  Rows queries(const std::vector<double>& column, const Rows& measured, Rng& rng) const {
    if (options_.protocol == Protocol::kHelp) {
      const std::size_t begin = training_rows(options_.space);
      return trimmed(usable_rows(column, begin, begin + kQueries),
                     [&](int row) { return column[row]; });
    }
    Rows rows = usable_rows(column, 0, column.size());
    std::erase_if(rows,
                  [&](int row) { return std::ranges::find(measured, row) != measured.end(); });
    if (rows.size() > options_.queries) {
      rng.shuffle<int>(rows);
      rows.resize(options_.queries);
    }
    return rows;
  }

  Rows measured_rows(const std::vector<double>& column, int samples, const Learner& learner,
                     Rng& rng) const {
    Rows rows = candidates(column, learner.choose != nullptr, rng);
    if (learner.choose) {
      const auto measure = [&](int i) { return column[rows[i]]; };
      Rows chosen = learner.choose(features_of(networks_, rows), samples, measure);
      for (int& row : chosen) row = rows[row];
      return chosen;
    }
    rows.resize(samples);
    return rows;
  }

  DeviceQuality measure(const std::string& target, int samples, const Learner& learner) const {
    using Clock = std::chrono::steady_clock;
    const std::vector<double>& column = table_.costs.at(target);
    const auto there = usable_rows(column, 0, column.size());
    if (std::ssize(there) < 4 * samples) {
      throw invalid_argument("{} has {} networks: too few to measure {}", target, there.size(),
                             samples);
    }
    DeviceQuality quality{.device = target, .samples = samples, .draws = {}, .fit_seconds = {}};
    for (int draw = 0; draw < options_.draws; ++draw) {
      Rng rng(derive_seed(static_cast<std::uint64_t>(draw), {}));
      const Rows measured = measured_rows(column, samples, learner, rng);
      const auto start = Clock::now();
      const auto model = learner.fit(features_of(networks_, measured), costs_of(column, measured));
      const std::chrono::duration<double> seconds = Clock::now() - start;
      const Rows rows = queries(column, measured, rng);
      const Eigen::VectorXd truths = costs_of(column, rows);
      quality.draws.push_back(estimators::agreement(model->predict(features_of(networks_, rows)),
                                                    {truths.data(), rows.size()}));
      quality.fit_seconds.push_back(seconds.count());
    }
    return quality;
  }

  const QualityOptions& options_;
  CostTable table_;
  EncodedNetworks networks_;
};

DrawStatistic statistic(const std::vector<double>& values) {
  const double n = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double variance = 0;
  for (const double x : values) variance += (x - mean) * (x - mean) / std::max(1.0, n - 1);
  return {mean, std::sqrt(variance), std::ranges::min(values)};
}

}  // namespace

Protocol protocol_of(const std::string& name) {
  if (name == "help") return Protocol::kHelp;
  if (name == "breadth") return Protocol::kBreadth;
  throw error(ErrorCode::kNotFound, "no protocol '{}'; there are help and breadth", name);
}

std::vector<DeviceQuality> measure_quality(const QualityOptions& options) {
  return Study(options).measure();
}

DrawStatistic over_draws(const DeviceQuality& quality, double Agreement::*member) {
  std::vector<double> values;
  for (const Agreement& draw : quality.draws) values.push_back(draw.*member);
  return statistic(values);
}

DrawStatistic over_draws(const std::vector<DeviceQuality>& qualities, double Agreement::*member) {
  std::vector<double> values(qualities.front().draws.size());
  for (const DeviceQuality& quality : qualities) {
    for (std::size_t draw = 0; draw < values.size(); ++draw) {
      values[draw] += quality.draws[draw].*member / static_cast<double>(qualities.size());
    }
  }
  return statistic(values);
}

}  // namespace hwnas::bench
