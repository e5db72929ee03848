#pragma once

#include <filesystem>
#include <optional>

#include "cli/command.hpp"
#include "engine/compress.hpp"
#include "engine/experiment.hpp"

namespace hwnas::cli {

/// A run to start or, without an experiment, to resume.
struct RunRequest {
  std::optional<engine::Experiment> experiment;
  std::filesystem::path folder;
  std::optional<int> workers;
};

/// Runs the pipeline to its end: progress on standard error, the result on standard output, Ctrl-C
/// drains (exit code 130). Two programs, two definitions: loading LibTorch costs 0.4 s and 160 MB,
/// so `hwnas` does not link it and replaces itself by `hwnas-train`, which lies beside it, takes
/// the same command line and does the work.
void run_pipeline(const RunRequest& request, Invocation& invocation);

/// Compresses and prints; in the two programs as run_pipeline.
void compress(engine::CompressRequest request, Invocation& invocation);
void print_compression(const engine::CompressResult& result, const Invocation& invocation);

}  // namespace hwnas::cli
