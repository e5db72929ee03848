#pragma once

namespace hwnas::nn {

/// Makes LibTorch keep the CPU memory that it frees, for the life of the process, and take large
/// blocks from huge pages. A training step frees and takes the same hundred tensors of 1-10 MB
/// again and again; with the C library's malloc each of them comes back as fresh pages, and the
/// page faults cost as much as the arithmetic (measured: docs/training_speed.md). Call it before
/// the first tensor; calling it again does nothing. Thread-safe.
void install_caching_allocator();

}  // namespace hwnas::nn
