#pragma once

#include <filesystem>
#include <string>

#include "engine/experiment.hpp"
#include "engine/training.hpp"
#include "tests/core/temporary_folder.hpp"

namespace hwnas::engine {

/// A small experiment whose candidates are trained: 3 classes of noisy waves, a conv1d space, a
/// microcontroller with limits that a part of the space breaks. Complete in `folder` with its data;
/// returns the experiment's file.
std::filesystem::path write_wave_experiment(const TemporaryFolder& folder,
                                            const std::string& strategy = "nsga2");

/// Starts the experiment in `folder`, interrupts it after every message, and resumes it
/// until it is finished. Returns the number of attempts.
int run_interrupted_after_every_message(const Experiment& experiment,
                                        const std::filesystem::path& folder,
                                        const Training& training);

/// Everything of a run that must not depend on threads, time or interruptions: trials with states,
/// metrics and curves, the front, the finalists, the artifacts' checksums. One line an item.
std::string history_of(const std::filesystem::path& run);

}  // namespace hwnas::engine
