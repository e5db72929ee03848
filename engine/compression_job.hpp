#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "compression/pass.hpp"
#include "engine/experiment.hpp"
#include "engine/inputs.hpp"
#include "engine/training.hpp"
#include "report/run_summary.hpp"

namespace hwnas::engine {

/// One trained network on its way to integers, with what its passes need. References outlive the
/// job.
struct CompressionJob {
  const ir::Network& network;
  const ir::Weights& weights;
  double float_val_top1 = 0;
  const LoadedData& data;
  data::Normalisation normalisation;
  const estimators::DeviceProfile& device;
  std::string runtime;
  std::vector<Limit> limits;
  std::vector<Config> passes;    ///< for compression::make_pass
  train::TrainOptions training;  ///< of passes that train; they set epochs and learning rate
  std::uint64_t seed = 0;
  int workers = 1;  ///< threads of evaluations and trainings
  const Training& with;
  std::function<void(double fraction, const std::string& message)> report;
  std::stop_token stop;
};

/// Applies the passes; accuracies are those of the integers on the validation split, in the
/// arithmetic of the runtime.
compression::Compression run_compression_job(const CompressionJob& job);

/// What a report shows of it.
report::CompressionSummary summarise(const compression::Compression& done, double float_val_top1);

}  // namespace hwnas::engine
