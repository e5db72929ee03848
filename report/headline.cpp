#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "report/sections.hpp"
#include "report/svg.hpp"
#include "report/text.hpp"

namespace hwnas::report {

namespace {

using estimators::Origin;
using search::TrialState;

/// What the headline is about: the exported network, or while there is none the best front point.
struct Subject {
  std::uint64_t trial = 0;
  std::vector<MetricValue> metrics;
  std::optional<double> test_top1;
  bool chosen = false;
};

std::optional<Subject> best_so_far(const RunSummary& run) {
  if (run.objectives.empty()) return std::nullopt;
  const ObjectiveSpec& first = run.objectives.front();
  const TrialSummary* best = nullptr;
  double best_value = 0;
  for (const TrialSummary& trial : run.trials) {
    const MetricValue* value = best_known(trial.metrics, first.metric);
    if (!trial.on_front || value == nullptr) continue;
    const double gain = first.maximize ? value->value : -value->value;
    if (best == nullptr || gain > best_value) {
      best = &trial;
      best_value = gain;
    }
  }
  if (best == nullptr) return std::nullopt;
  return Subject{best->id, best->metrics, std::nullopt, false};
}

std::optional<Subject> subject_of(const RunSummary& run) {
  if (const FinalistSummary* chosen = chosen_finalist(run)) {
    return Subject{chosen->trial, chosen->metrics, chosen->test_top1, true};
  }
  return best_so_far(run);
}

/// How much of a limit is used, with the interval; the track ends at the limit, or at the value
/// where that is beyond.
std::string meter(const MetricValue& value, double bound) {
  const double half = half_interval(value);
  const double end = std::max({bound, value.value + half, 1e-300});
  const auto at = [&](double v) { return 100 * std::clamp(v / end, 0.0, 1.0); };
  const bool over = value.value > bound;
  std::string marks = svg::rect("track", 0, 2, 100, 6, 3);
  marks += svg::rect(over ? "fill over" : "fill", 0, 2, at(value.value), 6, 3);
  if (half > 0) {
    marks += svg::rect("spread", at(value.value - half), 0,
                       at(value.value + half) - at(value.value - half), 10);
  }
  if (end > bound) marks += svg::rect("bound", at(bound) - 0.4, 0, 0.8, 10);
  return svg::open(100, 10, "meter",
                   fmt::format("{:.0f} % of the limit", 100 * value.value / bound),
                   "preserveAspectRatio=\"none\"") +
         marks + "</svg>";
}

std::string limit_note(const MetricValue& value, const LimitSpec& limit) {
  const MetricStyle style = metric_style(value.name);
  const bool over = value.value > limit.bound;
  const bool unsure = !over && value.value + half_interval(value) > limit.bound;
  std::string note = fmt::format("{:.0f} % of the limit of {}", 100 * value.value / limit.bound,
                                 escape(format_value(style, limit.bound)));
  if (over) note = "<strong class=\"bad\">over:</strong> " + note;
  if (unsure) note += "; the interval reaches beyond it";
  return fmt::format("{}<p class=\"note\">{}</p>", meter(value, limit.bound), note);
}

std::string big_number(const MetricStyle& style, double value) {
  const std::string text = format_value(style, value);
  const std::size_t space = text.find(' ');
  if (space == std::string::npos) return fmt::format("<p class=\"big\">{}</p>", text);
  return fmt::format("<p class=\"big\">{}<small>{}</small></p>", escape(text.substr(0, space)),
                     escape(text.substr(space)));
}

std::string interval_note(const MetricValue& value) {
  if (value.standard_deviation <= 0) return "";
  return fmt::format("<p class=\"note\">90 % interval {}</p>", escape(format_with_interval(value)));
}

/// A measured number says what had been predicted.
std::string prediction_note(const Subject& subject, const MetricValue& value) {
  if (value.origin == Origin::kPredicted) return "";
  const MetricValue* predicted = with_origin(subject.metrics, value.name, Origin::kPredicted);
  if (predicted == nullptr) return "";
  return fmt::format("<p class=\"note\">before that {}</p>", value_with_origin(*predicted));
}

std::string tile(const RunSummary& run, const Subject& subject, const MetricValue& value) {
  const MetricStyle style = metric_style(value.name);
  const LimitSpec* limit = limit_of(run, value.name);
  return fmt::format("<div class=\"tile\"><h3 title=\"{}\">{}</h3>{}<p>{}</p>{}{}{}</div>",
                     escape(value.name), escape(style.label), big_number(style, value.value),
                     origin_badge(value.origin), interval_note(value),
                     prediction_note(subject, value),
                     limit != nullptr ? limit_note(value, *limit) : "");
}

std::string test_tile(const Subject& subject) {
  if (!subject.test_top1) return "";
  return fmt::format(
      "<div class=\"tile lead-tile\"><h3>test top-1</h3>{}<p>{}</p>"
      "<p class=\"note\">of the exported artifact, on data touched once</p></div>",
      big_number(metric_style("test_top1"), *subject.test_top1), origin_badge(Origin::kMeasured));
}

std::string tiles(const RunSummary& run, const Subject& subject) {
  std::string result = test_tile(subject);
  for (const std::string& name : metric_names(run)) {
    const MetricValue* value = best_known(subject.metrics, name);
    if (value != nullptr) result += tile(run, subject, *value);
  }
  return fmt::format("<div class=\"tiles\">{}</div>", result);
}

/// One sentence a person would say about the search.
std::string story(const RunSummary& run) {
  const std::size_t evaluated =
      count_trials(run, TrialState::kComplete) + count_trials(run, TrialState::kStopped);
  const std::size_t infeasible = count_trials(run, TrialState::kInfeasible);
  const std::size_t failed = count_trials(run, TrialState::kFailed);
  const std::size_t front = std::ranges::count(run.trials, true, &TrialSummary::on_front);
  std::string text = fmt::format("Of {}, {} {} evaluated", counted(run.trials.size(), "candidate"),
                                 evaluated, evaluated == 1 ? "was" : "were");
  if (infeasible > 0) text += fmt::format(", {} broke a limit and cost no training", infeasible);
  if (failed > 0) text += fmt::format(", {} failed", failed);
  return text + fmt::format("; {} on the Pareto front.",
                            front == 1 ? "1 is" : fmt::format("{} are", front));
}

std::string joined(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, ", "));
}

/// Where the network is to run, and whether it fits there as far as is known.
std::string verdict(const RunSummary& run, const Subject& subject) {
  std::vector<std::string> broken;
  std::vector<std::string> unsure;
  bool guessed = false;
  for (const LimitSpec& limit : run.limits) {
    const MetricValue* value = best_known(subject.metrics, limit.metric);
    if (value == nullptr) continue;
    guessed = guessed || value->origin == Origin::kPredicted;
    const std::string label = escape(metric_style(limit.metric).label);
    if (value->value > limit.bound) {
      broken.push_back(label);
    } else if (value->value + half_interval(*value) > limit.bound) {
      unsure.push_back(label);
    }
  }
  std::string place = fmt::format("For {}", escape(run.device));
  if (!run.runtime.empty()) place += fmt::format(" with {}", escape(run.runtime));
  if (run.limits.empty()) return fmt::format("{}, without limits.", place);
  const std::string_view basis = guessed ? "predicted to be " : "";
  if (!broken.empty())
    return fmt::format("{}; {}over the limit of {}.", place, basis, joined(broken));
  if (unsure.empty()) return fmt::format("{}; {}within every limit.", place, basis);
  return fmt::format("{}; {}within every limit, though the interval of {} reaches beyond.", place,
                     basis, joined(unsure));
}

std::string heading(const Subject& subject) {
  return subject.chosen ? fmt::format("The chosen network: trial {}", subject.trial)
                        : fmt::format("Best so far: trial {}", subject.trial);
}

std::string_view reason_for_nothing(const RunSummary& run) {
  if (run.trials.empty()) return "No trial has finished yet.";
  if (count_trials(run, TrialState::kInfeasible) == run.trials.size()) {
    return "Every candidate broke a limit: raise a limit, or take a space with smaller networks.";
  }
  return "No candidate has been trained to the end yet.";
}

}  // namespace

std::string headline_section(const RunSummary& run) {
  const std::optional<Subject> subject = subject_of(run);
  const std::string lead = run.trials.empty() ? "" : story(run);
  if (!subject) {
    return section("summary", "No network yet", lead,
                   fmt::format("<p class=\"empty\">{}</p>", reason_for_nothing(run)));
  }
  const TrialSummary* trial = find_trial(run, subject->trial);
  const std::string description =
      trial == nullptr ? ""
                       : fmt::format("<p class=\"genotype\"><code>{}</code> {}</p>",
                                     escape(trial->genotype), escape(trial->description));
  return section("summary", heading(*subject), fmt::format("{} {}", verdict(run, *subject), lead),
                 tiles(run, *subject) + description);
}

}  // namespace hwnas::report
