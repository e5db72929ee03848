#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "client/call_error.hpp"
#include "core/config.hpp"

namespace hwnas::cli {

/// An experiment's file as text that needs no other files: what a hwnasd elsewhere can run. The
/// space's file stands in the place of its name, and the device's file in the place of the device's
/// or its file's name, as in engine::Experiment. Left as they are: names of devices that are not
/// known here, which may be hwnasd's, and of devices whose profile needs further files. Where
/// nothing had to be changed, the text is that of the file to the byte.
class PortableExperiment {
 public:
  /// `sets` as engine::Experiment::load. Throws NotFound or InvalidArgument with file:line:column.
  PortableExperiment(const std::filesystem::path& file, const std::vector<std::string>& sets);

  const std::string& text() const { return text_; }

  /// The refusal of this text by hwnasd, as an error (InvalidArgument) at the places of the files
  /// that the text was made of, one fault a line.
  Error at_home(const client::CallError& refusal) const;

 private:
  using Path = std::vector<std::string>;  ///< keys, and indices of lists

  void put_in_place(const Path& place, Config content);
  const Config& origin_of(int line, int column) const;

  Config config_;
  std::string text_;
  /// What stands where in the text; the last entry whose place is above a node holds it.
  std::vector<std::pair<Path, Config>> origins_;
};

}  // namespace hwnas::cli
