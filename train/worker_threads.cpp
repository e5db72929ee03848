#include <ATen/Parallel.h>
#include <torch/torch.h>

#include <thread>

#include "core/error.hpp"
#include "nn/caching_allocator.hpp"
#include "train/trainer.hpp"

namespace hwnas::train {

void set_worker_threads(int workers, int threads) {
  const int cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  if (workers * threads > cores) {
    throw invalid_argument(
        "{} workers of {} threads need {} cores, this machine has {}: lower execution.workers or "
        "execution.threads",
        workers, threads, workers * threads, cores);
  }
  nn::install_caching_allocator();
  at::set_num_threads(threads);
}

}  // namespace hwnas::train
