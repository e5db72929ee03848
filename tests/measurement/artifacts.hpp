#pragma once

#include <filesystem>
#include <string>

#include "core/config.hpp"
#include "core/file.hpp"
#include "exporters/c.hpp"
#include "measurement/runner.hpp"
#include "measurement/runner_tools.hpp"
#include "tests/exporters/zoo_models.hpp"

namespace hwnas::measurement {

/// A small quantized network, exported as C.
inline Artifact c_artifact(const std::filesystem::path& folder, const std::string& name = "net",
                           const ir::Network& network = ir::zoo::inverted_residual()) {
  exporters::write_c(exporters::quantized_zoo_model({name, network}), folder / (name + ".c"));
  return artifact_of(folder / (name + ".c"));
}

/// An executable shell script.
inline Artifact script(const std::filesystem::path& folder, const std::string& text,
                       const std::string& name = "script") {
  write_file_atomically(folder / name, "#!/bin/sh\n" + text + "\n");
  std::filesystem::permissions(folder / name, std::filesystem::perms::owner_all);
  return artifact_of(folder / name);
}

inline std::unique_ptr<Runner> runner_of(const std::string& yaml) {
  return make_runner(Config::parse(yaml, "runner.yaml"));
}

inline bool has_program(const std::string& name) {
  const std::vector<std::string> arguments = {name, "--version"};
  const ProcessRequest request{.arguments = arguments, .folder = {}, .input = {}, .output = {}};
  return run_process(request).end != ProcessEnd::kNotStarted;
}

}  // namespace hwnas::measurement
