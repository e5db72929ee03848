#pragma once

#include <string>

#include <CLI/App.hpp>

namespace hwnas::cli {

/// Scripts that complete hwnas' commands, options and values, generated from the tree of commands,
/// so that they never fall behind it. Values that are one of a set are completed to the set, those
/// of type FILE and DIR to file names.
std::string bash_completion(const CLI::App& app);
std::string zsh_completion(const CLI::App& app);

}  // namespace hwnas::cli
