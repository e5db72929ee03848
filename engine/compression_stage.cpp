#include <fmt/format.h>

#include <algorithm>

#include "engine/compression_job.hpp"
#include "engine/finalist_files.hpp"
#include "engine/front.hpp"
#include "engine/stages.hpp"

namespace hwnas::engine {

StageOutcome run_compression(RunContext& run) {
  const Experiment& experiment = run.experiment();
  if (experiment.compression.empty()) return StageOutcome::kDone;
  const std::vector<FinalistRecord> finalists = run.store().finalists();
  const FinalistRecord& chosen = *std::ranges::find(finalists, true, &FinalistRecord::chosen);
  const ir::Network network = network_of(chosen);
  const ir::Weights weights = load_weights(run.folder(), chosen);
  const LoadedData& data = *run.inputs().data;
  run.report(0, "");
  const compression::Compression done = run_compression_job(
      {.network = network,
       .weights = weights,
       .float_val_top1 = best_known_value(chosen.metrics, "val_top1"),
       .data = data,
       .normalisation = data.normalisation,
       .device = experiment.device,
       .runtime = experiment.runtime,
       .limits = experiment.limits,
       .passes = experiment.compression,
       .training = experiment.finalists.train,
       .seed = experiment.seed,
       .workers = run.workers(),
       .with = run.training(),
       .report = [&run](double fraction,
                        const std::string& message) { run.report(fraction, message); },
       .stop = run.drain()});
  if (run.draining()) return StageOutcome::kInterrupted;
  CompressionRecord record;
  record.summary = summarise(done, best_known_value(chosen.metrics, "val_top1"));
  if (done.model.integers) save_integers(run.folder(), *done.model.integers, chosen, record);
  run.store().set_compression(record);
  run.report(1, fmt::format("compressed: val_top1 {:.2f}, float {:.2f}", record.summary.val_top1,
                            record.summary.float_val_top1));
  return StageOutcome::kDone;
}

}  // namespace hwnas::engine
