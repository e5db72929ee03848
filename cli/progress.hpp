#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "engine/pipeline.hpp"

namespace hwnas::cli {

/// The fraction of a stage that nobody knows: shown without bar and percentage.
inline constexpr double kUnknownFraction = -1;

/// What a terminal can show.
struct TerminalStyle {
  int width = 80;  ///< columns
  bool color = false;
  bool unicode = false;
};

/// The style of standard error; empty when it is not a terminal. No colour where NO_COLOR is set
/// (and not empty) or TERM is "dumb"; ASCII where the locale is not UTF-8.
std::optional<TerminalStyle> terminal_style_of_stderr();

/// "0:07", "12:41", "1:02:03".
std::string format_duration(double seconds);

/// "24 evaluated, 113 infeasible, front 7"; without what is still zero, empty before the first.
std::string format_counts(const engine::Progress& progress);

/// The running stage in one line of at most style.width - 1 columns (the last column would wrap):
/// name, bar, percentage, time gone and left, counts. What does not fit is cut off at the right.
std::string render_bar(const engine::Progress& progress, const TerminalStyle& style);

/// The same without a bar, for logs: "search: 50 %, 4:12, about 4:10 left, 24 evaluated, …".
std::string render_log_line(const engine::Progress& progress);

/// A finished stage: "search      12:41  48 evaluated, 113 infeasible, front 7".
std::string render_finished_stage(const engine::Progress& progress);

/// Shows a run's progress: on a terminal one bar that is redrawn at most 10 times a second, with
/// finished stages and messages staying above it; elsewhere plain lines at least 10 s apart, plus
/// one for every finished stage and every message. Thread-safe.
class ProgressView {
 public:
  using Clock = std::chrono::steady_clock;
  using Write = std::function<void(std::string_view)>;

  /// `terminal` empty: plain lines.
  ProgressView(Write write, std::optional<TerminalStyle> terminal);
  ProgressView(const ProgressView&) = delete;
  ProgressView& operator=(const ProgressView&) = delete;

  void show(const engine::Progress& progress, Clock::time_point now = Clock::now());
  /// Moves the times on between events, so that a long epoch does not look like a hang.
  void tick(Clock::time_point now = Clock::now());
  /// A line that stays.
  void say(std::string_view line, Clock::time_point now = Clock::now());
  void resize(int columns);
  /// Ends the running stage: with its line if it is complete, else the bar just goes away.
  void finish();

 private:
  void draw(Clock::time_point now);
  void write_line(std::string_view line);
  engine::Progress at(Clock::time_point now) const;

  std::mutex mutex_;
  Write write_;
  std::optional<TerminalStyle> terminal_;
  std::optional<engine::Progress> current_;
  Clock::time_point received_;
  std::optional<Clock::time_point> drawn_;
  bool bar_on_screen_ = false;
};

}  // namespace hwnas::cli
