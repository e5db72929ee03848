#include "cli/live_progress.hpp"

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <stop_token>
#include <string_view>

namespace hwnas::cli {
namespace {

void write_stderr(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

void tick(const std::stop_token& stop, ProgressView& view) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  while (!wake.wait_for(lock, stop, std::chrono::milliseconds(500), [] { return false; }) &&
         !stop.stop_requested()) {
    if (const auto style = terminal_style_of_stderr()) view.resize(style->width);
    view.tick();
  }
}

}  // namespace

LiveProgress::LiveProgress()
    : view_(write_stderr, terminal_style_of_stderr()),
      ticker_([this](const std::stop_token& stop) { tick(stop, view_); }) {}

}  // namespace hwnas::cli
