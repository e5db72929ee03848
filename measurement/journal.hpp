#pragma once

#include <filesystem>
#include <vector>

#include "measurement/measurement.hpp"

namespace hwnas::measurement {

/// Measurements as they come, a line of JSON each: what an interrupted batch goes on from. A line
/// is on the disk before append returns. One writer at a time.
class Journal {
 public:
  /// Reads what is there; a file that is not there is empty. A last line that was cut off, by a
  /// crash while it was written, is dropped from the file. Throws InvalidArgument with file and
  /// line for any other that is no measurement.
  explicit Journal(std::filesystem::path file);

  const std::vector<Measurement>& measurements() const { return measurements_; }
  /// Throws ResourceExhausted or FailedPrecondition, naming the file, if it cannot be written.
  void append(const Measurement& measurement);

 private:
  std::filesystem::path file_;
  std::vector<Measurement> measurements_;
};

}  // namespace hwnas::measurement
