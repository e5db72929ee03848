#include "measurement/batch.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "core/error.hpp"
#include "core/rng.hpp"

namespace hwnas::measurement {

namespace {

void check(std::span<const Artifact> artifacts, const BatchOptions& options) {
  if (options.reference_every < 1 || options.attempts < 1 || !(options.max_drift > 0)) {
    throw invalid_argument(
        "batch: reference_every {}, attempts {} and max_drift {} must be at least 1, 1 and more "
        "than 0",
        options.reference_every, options.attempts, options.max_drift);
  }
  std::vector<std::string> names = {options.reference.name};
  for (const Artifact& artifact : artifacts) names.push_back(artifact.name);
  std::ranges::sort(names);
  const auto twice = std::ranges::adjacent_find(names);
  if (twice != names.end()) {
    throw invalid_argument("batch: two artifacts are named '{}'; rename one", *twice);
  }
}

class BatchRun {
 public:
  BatchRun(Runner& runner, std::span<const Artifact> artifacts, const BatchOptions& options,
           std::stop_token stop)
      : runner_(runner), artifacts_(artifacts), options_(options), stop_(std::move(stop)) {
    batch_.measurements.resize(artifacts.size());
    restore();
  }

  Batch run() {
    const std::vector<std::size_t> order = missing();
    if (!order.empty() && batch_.references.empty()) measure_first_reference();
    const auto every = static_cast<std::size_t>(options_.reference_every);
    for (std::size_t begin = 0; begin < order.size(); begin += every) {
      measure_between(std::span(order).subspan(begin, std::min(every, order.size() - begin)));
    }
    return std::move(batch_);
  }

 private:
  /// Puts what was recorded before in its place. What belongs to other files is measured again.
  void restore() {
    std::map<std::string, std::size_t> index;
    for (std::size_t i = 0; i < artifacts_.size(); ++i) index[artifacts_[i].name] = i;
    done_.assign(artifacts_.size(), false);
    const std::string reference_files = sha256_of(options_.reference);
    for (const Measurement& measurement : options_.recorded) {
      if (measurement.artifact_sha256 == reference_files &&
          measurement.network == options_.reference.name) {
        const bool can_be_first = measurement.ok();
        if (!batch_.references.empty() || can_be_first) batch_.references.push_back(measurement);
        continue;
      }
      const auto found = index.find(measurement.network);
      if (found == index.end()) continue;
      if (sha256_of(artifacts_[found->second]) != measurement.artifact_sha256) continue;
      batch_.measurements[found->second] = measurement;
      done_[found->second] = true;
    }
  }

  /// In an order that does not depend on what is there already.
  std::vector<std::size_t> missing() const {
    std::vector<std::size_t> order(artifacts_.size());
    std::iota(order.begin(), order.end(), 0);
    Rng(options_.seed).shuffle(std::span(order));
    std::erase_if(order, [&](std::size_t i) { return done_[i]; });
    return order;
  }

  Measurement measure_reference() {
    Measurement reference = runner_.measure(options_.reference, stop_);
    options_.record(reference);
    return reference;
  }

  void measure_first_reference() {
    const Measurement reference = measure_reference();
    if (!reference.ok()) {
      throw error(ErrorCode::kFailedPrecondition,
                  "the reference network '{}' cannot be measured by '{}': {} ({})",
                  reference.network, reference.runner, to_string(reference.status),
                  reference.reason);
    }
    batch_.references.push_back(reference);
  }

  void measure_between(std::span<const std::size_t> indices) {
    for (int attempt = 1; attempt <= options_.attempts; ++attempt) {
      for (const std::size_t i : indices) {
        batch_.measurements[i] = runner_.measure(artifacts_[i], stop_);
      }
      const Measurement reference = measure_reference();
      batch_.references.push_back(reference);
      const bool last = attempt == options_.attempts;
      if (accepted(indices, reference, last)) break;
      if (!last) batch_.remeasured += static_cast<int>(indices.size());
    }
    for (const std::size_t i : indices) options_.record(batch_.measurements[i]);
  }

  /// Whether the reference still holds; if it never will, says so in the measurements.
  bool accepted(std::span<const std::size_t> indices, const Measurement& reference, bool last) {
    const double drift = reference.value() / batch_.references.front().value() - 1;
    const bool holds = reference.ok() && std::abs(drift) <= options_.max_drift;
    for (const std::size_t i : indices) {
      Measurement& measurement = batch_.measurements[i];
      if (reference.ok()) measurement.reference_drift = drift;
      if (holds || !last || !measurement.ok()) continue;
      measurement.status = Status::kDrifted;
      measurement.reason =
          reference.ok()
              ? fmt::format(
                    "the reference network changed by {:+.1f} % around it, {} times in a "
                    "row; is the device hot, or busy with something else?",
                    100 * drift, options_.attempts)
              : fmt::format("the reference network could not be measured after it: {} ({})",
                            to_string(reference.status), reference.reason);
    }
    return holds;
  }

  Runner& runner_;
  const std::span<const Artifact> artifacts_;
  const BatchOptions& options_;
  const std::stop_token stop_;
  std::vector<bool> done_;
  Batch batch_;
};

}  // namespace

Batch measure_all(Runner& runner, std::span<const Artifact> artifacts, const BatchOptions& options,
                  const std::stop_token& stop) {
  check(artifacts, options);
  return BatchRun(runner, artifacts, options, stop).run();
}

}  // namespace hwnas::measurement
