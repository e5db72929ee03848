#pragma once

#include <filesystem>
#include <string>

#include "engine/profile.hpp"

namespace hwnas::engine {

/// Notes in `folder` which plan its measurements are of. Throws AlreadyExists if they are of
/// another.
void claim_folder(const std::filesystem::path& folder, const std::string& plan);

/// A device's profile with one of its runtimes alone, which names the learned model in a file
/// beside it.
Config with_latency_model(const Config& profile, const std::string& runtime,
                          const std::string& model_file, const std::string& model_text,
                          const std::string& source);

/// The file of the device that was measured: what the plan's device says, under the new name, with
/// the measured runtime alone and its model.
std::string device_text(const ProfilePlan& plan, const std::string& model_file,
                        const std::string& model_text, const std::string& source);

}  // namespace hwnas::engine
