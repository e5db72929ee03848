#include "cli/progress.hpp"

#include <fmt/format.h>
#include <langinfo.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <clocale>
#include <cmath>
#include <cstdlib>
#include <utility>
#include <vector>

namespace hwnas::cli {
namespace {

using namespace std::chrono_literals;

constexpr auto kBarInterval = 100ms;
constexpr auto kLineInterval = 10s;
const std::string kEraseLine = "\r\x1b[2K";
constexpr int kStageColumns = 10;
constexpr int kMinBarColumns = 10;
constexpr int kMaxBarColumns = 30;

bool environment_has(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0';
}

std::string bar(double fraction, int columns, const TerminalStyle& style) {
  const int done = static_cast<int>(std::lround(fraction * columns));
  const char* full = style.unicode ? "━" : "#";
  const char* empty = style.unicode ? "─" : "-";
  std::string text = style.color ? "\x1b[36m" : "";
  for (int i = 0; i < done; ++i) text += full;
  if (style.color) text += "\x1b[2m";
  for (int i = done; i < columns; ++i) text += empty;
  if (style.color) text += "\x1b[0m";
  return text;
}

std::string format_times(const engine::Progress& progress) {
  std::string text = format_duration(progress.stage_seconds);
  if (progress.seconds_left)
    text += fmt::format(", about {} left", format_duration(*progress.seconds_left));
  return text;
}

int percent(const engine::Progress& progress) {
  // Rounded down: 100 % is shown only when it is.
  return static_cast<int>(std::clamp(progress.fraction, 0.0, 1.0) * 100);
}

/// A stage's first and last events know nothing of its trials; what was known stays.
engine::Progress with_counts(engine::Progress progress, const engine::Progress& before) {
  if (format_counts(progress).empty()) {
    progress.trials_done = before.trials_done;
    progress.trials_infeasible = before.trials_infeasible;
    progress.front_size = before.front_size;
  }
  return progress;
}

}  // namespace

std::optional<TerminalStyle> terminal_style_of_stderr() {
  if (isatty(STDERR_FILENO) == 0) return std::nullopt;
  TerminalStyle style;
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) style.width = size.ws_col;
  const char* terminal = std::getenv("TERM");
  const bool dumb = terminal == nullptr || std::string_view(terminal) == "dumb";
  style.color = !dumb && !environment_has("NO_COLOR");
  std::setlocale(LC_CTYPE, "");
  style.unicode = std::string_view(nl_langinfo(CODESET)) == "UTF-8";
  return style;
}

std::string format_duration(double seconds) {
  const auto total = static_cast<long>(std::max(0.0, seconds));
  const long hours = total / 3600;
  const long minutes = total / 60 % 60;
  if (hours > 0) return fmt::format("{}:{:02}:{:02}", hours, minutes, total % 60);
  return fmt::format("{}:{:02}", minutes, total % 60);
}

std::string format_counts(const engine::Progress& progress) {
  std::vector<std::string> parts;
  if (progress.trials_done > 0) parts.push_back(fmt::format("{} evaluated", progress.trials_done));
  if (progress.trials_infeasible > 0)
    parts.push_back(fmt::format("{} infeasible", progress.trials_infeasible));
  if (progress.front_size > 0) parts.push_back(fmt::format("front {}", progress.front_size));
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string render_bar(const engine::Progress& progress, const TerminalStyle& style) {
  const std::string label = fmt::format("{:<{}}", progress.stage, kStageColumns);
  const bool known = progress.fraction >= 0;
  std::string details = known ? fmt::format(" {:3} %  ", percent(progress)) : " ";
  details += format_times(progress);
  if (const std::string counts = format_counts(progress); !counts.empty()) details += "  " + counts;

  const int room = style.width - 1 - static_cast<int>(label.size());
  const int bar_columns = known ? std::clamp(room - static_cast<int>(details.size()),
                                             std::clamp(room, 0, kMinBarColumns), kMaxBarColumns)
                                : 0;
  details.resize(std::min<std::size_t>(details.size(), std::max(0, room - bar_columns)));
  if (room <= 0) return label.substr(0, std::max(0, style.width - 1));
  return label + bar(std::clamp(progress.fraction, 0.0, 1.0), bar_columns, style) + details;
}

std::string render_log_line(const engine::Progress& progress) {
  std::string line = progress.stage + ": ";
  if (progress.fraction >= 0) line += fmt::format("{} %, ", percent(progress));
  line += format_times(progress);
  if (const std::string counts = format_counts(progress); !counts.empty()) line += ", " + counts;
  return line;
}

std::string render_finished_stage(const engine::Progress& progress) {
  std::string line = fmt::format("{:<{}} {:>7}", progress.stage, kStageColumns,
                                 format_duration(progress.stage_seconds));
  if (const std::string counts = format_counts(progress); !counts.empty()) line += "  " + counts;
  return line;
}

ProgressView::ProgressView(Write write, std::optional<TerminalStyle> terminal)
    : write_(std::move(write)), terminal_(terminal) {}

void ProgressView::show(const engine::Progress& progress, Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  if (current_ && current_->stage != progress.stage) {
    write_line(render_finished_stage(*current_));
    drawn_.reset();
  }
  if (!progress.message.empty()) write_line(progress.message);
  current_ =
      current_ && current_->stage == progress.stage ? with_counts(progress, *current_) : progress;
  received_ = now;
  draw(now);
}

void ProgressView::tick(Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  if (current_) draw(now);
}

void ProgressView::say(std::string_view line, Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  write_line(line);
  if (current_) draw(now);
}

void ProgressView::resize(int columns) {
  const std::lock_guard lock(mutex_);
  if (terminal_) terminal_->width = columns;
}

void ProgressView::finish() {
  const std::lock_guard lock(mutex_);
  if (current_ && current_->fraction >= 1) write_line(render_finished_stage(*current_));
  if (bar_on_screen_) write_(kEraseLine);
  bar_on_screen_ = false;
  current_.reset();
}

void ProgressView::draw(Clock::time_point now) {
  const Clock::duration interval = terminal_ ? Clock::duration(kBarInterval) : kLineInterval;
  const bool due = !drawn_ || now - *drawn_ >= interval;
  if (terminal_) {
    if (!due && bar_on_screen_) return;
    write_(kEraseLine + render_bar(at(now), *terminal_));
    bar_on_screen_ = true;
    drawn_ = now;
  } else if (due) {
    // A stage's first line comes after the first interval: short stages need none.
    if (drawn_) write_line(render_log_line(at(now)));
    drawn_ = now;
  }
}

void ProgressView::write_line(std::string_view line) {
  write_(fmt::format("{}{}\n", bar_on_screen_ ? kEraseLine : "", line));
  bar_on_screen_ = false;
}

engine::Progress ProgressView::at(Clock::time_point now) const {
  engine::Progress progress = *current_;
  const double passed = std::chrono::duration<double>(now - received_).count();
  progress.stage_seconds += passed;
  if (progress.seconds_left) progress.seconds_left = std::max(0.0, *progress.seconds_left - passed);
  return progress;
}

}  // namespace hwnas::cli
