#pragma once

#include <thread>

#include "cli/progress.hpp"

namespace hwnas::cli {

/// A view of progress on standard error whose times keep moving, and whose bar stays within the
/// terminal when that is resized.
class LiveProgress {
 public:
  LiveProgress();

  ProgressView& view() { return view_; }

 private:
  ProgressView view_;
  std::jthread ticker_;
};

}  // namespace hwnas::cli
